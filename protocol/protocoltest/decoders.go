package protocoltest

import (
	"github.com/loa-vn/loa/protocol"
)

// Decoder is how one kind of message is read.
type Decoder struct {
	Kind  string // as in loa.cddl
	Limit int    // bytes
	// Decode returns the decoded value and its bytes without unknown optional keys.
	Decode func(b []byte) (value any, again []byte, err error)
}

// Decoders returns the decoders of all messages, in the order of loa.cddl.
func Decoders() []Decoder {
	return []Decoder{
		of[protocol.Bulletin]("bulletin", protocol.MaxBulletin),
		of[protocol.Statement]("statement", protocol.MaxApproval),
		of[protocol.Approval]("approval", protocol.MaxApproval),
		of[protocol.Airing]("airing", protocol.MaxControl),
		of[protocol.Stop]("stop", protocol.MaxAlert),
		of[protocol.Plan]("plan", protocol.MaxPlan),
		of[protocol.PlanHead]("plan-head", protocol.MaxControl),
		of[protocol.Alert]("alert", protocol.MaxAlert),
		of[protocol.Seen]("seen", protocol.MaxControl),
		of[protocol.Command]("command", protocol.MaxControl),
		of[protocol.Ask]("ask", protocol.MaxControl),
		of[protocol.TimeAnswer]("time-answer", protocol.MaxControl),
		of[protocol.Chunk]("chunk", protocol.MaxChunk),
		of[protocol.Want]("want", protocol.MaxControl),
		of[protocol.Heartbeat]("heartbeat", protocol.MaxControl),
		of[protocol.Receipt]("receipt", protocol.MaxControl),
		of[protocol.Entry]("entry", protocol.MaxControl),
		of[protocol.Head]("head", protocol.MaxControl),
		of[protocol.Batch]("batch", protocol.MaxControl),
		of[protocol.Roots]("roots", 256<<10),
		of[protocol.Endorsed]("endorsed", 256<<10),
		of[protocol.Delegation]("delegation", 256<<10),
		of[protocol.Approvers]("approvers", 256<<10),
		of[protocol.Placement]("placement", 256<<10),
		of[protocol.Populations]("populations", 256<<10),
		of[protocol.Frames]("frames", protocol.MaxControl),
	}
}

// DecoderOf returns the decoder of a kind.
func DecoderOf(kind string) (Decoder, bool) {
	for _, d := range Decoders() {
		if d.Kind == kind {
			return d, true
		}
	}
	return Decoder{}, false
}

func of[T any, M interface {
	*T
	Message
}](kind string, limit int) Decoder {
	return Decoder{Kind: kind, Limit: limit, Decode: func(b []byte) (any, []byte, error) {
		v, err := protocol.Unmarshal[T, M](b, limit)
		if err != nil {
			return nil, nil, err
		}
		again, err := protocol.Marshal(M(&v))
		return v, again, err
	}}
}
