package protocol

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Root stands in front of every topic.
const Root = "loa/1/"

// BulkSuffix is what a device's second client id ends in; that connection may
// only subscribe to content.
const BulkSuffix = ".bulk"

// Verb is the last level of a device's or unit's topic.
type Verb string

// The verbs. The first group goes from the hub to devices, the second back.
const (
	VerbPlan  Verb = "plan"
	VerbAlert Verb = "alert"
	VerbCmd   Verb = "cmd"
	VerbAck   Verb = "ack"
	VerbTime  Verb = "time"

	VerbState   Verb = "state"
	VerbReceipt Verb = "receipt"
	VerbSeen    Verb = "seen"
	VerbWant    Verb = "want"
	VerbAsk     Verb = "ask"
)

// Up says whether v goes from a device to the hub.
func (v Verb) Up() bool {
	switch v {
	case VerbState, VerbReceipt, VerbSeen, VerbWant, VerbAsk:
		return true
	}
	return false
}

// Limit returns the longest payload under v, in bytes.
func (v Verb) Limit() int {
	if v == VerbAlert {
		return MaxAlert
	}
	return MaxControl
}

// UnitTopic returns u/{unit}/{verb} under the root.
func UnitTopic(u UnitID, v Verb) string { return Root + "u/" + string(u) + "/" + string(v) }

// DeviceTopic returns d/{device}/{verb} under the root.
func DeviceTopic(d DeviceID, v Verb) string { return Root + "d/" + string(d) + "/" + string(v) }

// ChunkTopic returns c/{digest}/{n} under the root; n is the chunk's number, or
// "l" and the part's number for the chunk list.
func ChunkTopic(d Digest, c Chunk) string {
	n := strconv.FormatUint(c.N, 10)
	if c.List {
		n = "l" + n
	}
	return Root + "c/" + d.String() + "/" + n
}

// ContentFilter returns the filter that matches all chunks of one content.
func ContentFilter(d Digest) string { return Root + "c/" + d.String() + "/+" }

// FramesTopic returns s/{session}/{n} under the root; n is the number of Frames.
func FramesTopic(s SessionID, n uint64) string {
	return Root + "s/" + string(s) + "/" + strconv.FormatUint(n, 10)
}

// SessionFilter returns the filter that matches all frames of one session.
func SessionFilter(s SessionID) string { return Root + "s/" + string(s) + "/+" }

// ParseSessionFilter reads what SessionFilter writes.
func ParseSessionFilter(filter string) (SessionID, error) {
	rest, ok := strings.CutPrefix(filter, Root+"s/")
	id, plus, cut := strings.Cut(rest, "/")
	if !ok || !cut || plus != "+" || !ValidID(id) {
		return "", fmt.Errorf("filter %.100q: %w", filter, ErrInvalid)
	}
	return SessionID(id), nil
}

// ParseFramesTopic reads what FramesTopic writes.
func ParseFramesTopic(topic string) (SessionID, uint64, error) {
	rest, ok := strings.CutPrefix(topic, Root+"s/")
	id, n, cut := strings.Cut(rest, "/")
	number, err := strconv.ParseUint(n, 10, 64)
	if !ok || !cut || !ValidID(id) || err != nil || strconv.FormatUint(number, 10) != n {
		return "", 0, fmt.Errorf("topic %.100q: %w", topic, ErrInvalid)
	}
	return SessionID(id), number, nil
}

// ParseDeviceTopic reads what DeviceTopic writes.
func ParseDeviceTopic(topic string) (DeviceID, Verb, error) {
	rest, ok := strings.CutPrefix(topic, Root+"d/")
	id, verb, cut := strings.Cut(rest, "/")
	if !ok || !cut || !ValidID(id) || !ValidID(verb) {
		return "", "", fmt.Errorf("topic %.100q: %w", topic, ErrInvalid)
	}
	return DeviceID(id), Verb(verb), nil
}

// ParseUnitTopic reads what UnitTopic writes.
func ParseUnitTopic(topic string) (UnitID, Verb, error) {
	rest, ok := strings.CutPrefix(topic, Root+"u/")
	id, verb, cut := strings.Cut(rest, "/")
	if !ok || !cut || !ValidID(id) || !ValidID(verb) {
		return "", "", fmt.Errorf("topic %.100q: %w", topic, ErrInvalid)
	}
	return UnitID(id), Verb(verb), nil
}

// ParseChunkTopic returns the digest that a chunk's topic names.
func ParseChunkTopic(topic string) (Digest, error) {
	rest, ok := strings.CutPrefix(topic, Root+"c/")
	hex, n, _ := strings.Cut(rest, "/")
	number, _ := strings.CutPrefix(n, "l")
	count, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil || strconv.FormatUint(count, 10) != number {
		return Digest{}, fmt.Errorf("topic %.100q: %w", topic, ErrInvalid)
	}
	return ParseDigest(hex)
}

// Client is who is behind an MQTT client id.
type Client struct {
	Device DeviceID
	Bulk   bool
}

// ParseClient reads a client id: {device} or {device}.bulk.
func ParseClient(id string) (Client, error) {
	name, bulk := strings.CutSuffix(id, BulkSuffix)
	if !ValidID(name) {
		return Client{}, fmt.Errorf("client id %.100q: %w", id, ErrInvalid)
	}
	return Client{Device: DeviceID(name), Bulk: bulk}, nil
}

// String returns the client id.
func (c Client) String() string {
	if c.Bulk {
		return string(c.Device) + BulkSuffix
	}
	return string(c.Device)
}

// MayPublish says whether a client may write to a topic.
func (c Client) MayPublish(topic string) bool {
	d, v, err := ParseDeviceTopic(topic)
	return err == nil && !c.Bulk && d == c.Device && v.Up()
}

// MaySubscribe says whether a client whose placement has this path of units may
// read a filter: its own topics and its units', or content on the bulk one.
// Sessions are not judged here: which units hear one is its airings' matter.
func (c Client) MaySubscribe(filter string, path []UnitID) bool {
	if c.Bulk {
		rest, ok := strings.CutSuffix(filter, "/+")
		d, err := ParseChunkTopic(rest + "/0")
		return ok && err == nil && ContentFilter(d) == filter
	}
	if d, v, err := ParseDeviceTopic(filter); err == nil {
		switch v {
		case VerbPlan, VerbAlert, VerbCmd, VerbAck, VerbTime:
			return d == c.Device
		}
		return false
	}
	u, v, err := ParseUnitTopic(filter)
	if err != nil || (v != VerbPlan && v != VerbAlert) {
		return false
	}
	return slices.Contains(path, u)
}
