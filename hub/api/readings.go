package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Readings is what the routes of readings need.
type Readings interface {
	Read(ctx context.Context, a account.Actor, t bulletin.Trial) (bulletin.Reading, error)
	Sample(ctx context.Context, a account.Actor, t bulletin.Trial) ([]byte, error)
	Pronunciations(ctx context.Context, a account.Actor, unit protocol.UnitID) ([]bulletin.Pronunciation, error)
	SetPronunciations(ctx context.Context, a account.Actor, unit protocol.UnitID, list []bulletin.Pronunciation) error
}

// Growing is the sound of texts that are being spoken.
type Growing interface {
	// Growing returns what writes a bulletin's sound as it grows, as a WAV file.
	// Error: problem.ErrNotFound if it is not being spoken.
	Growing(id protocol.BulletinID) (func(ctx context.Context, w io.Writer) error, error)
}

// TrialBody is a text to be read.
type TrialBody struct {
	Unit     protocol.UnitID `json:"unit" maxLength:"64" doc:"whose list of pronunciations counts"`
	Title    string          `json:"title,omitempty"`
	Text     string          `json:"text"`
	Voice    string          `json:"voice,omitempty" enum:"north,central,south"`
	Rate     float64         `json:"rate,omitempty" minimum:"0.5" maximum:"2"`
	Southern bool            `json:"southern,omitempty"`
}

func (b TrialBody) domain() bulletin.Trial {
	return bulletin.Trial{Unit: b.Unit, Title: b.Title, Text: b.Text, Voice: b.Voice, Rate: b.Rate, Southern: b.Southern}
}

// SpotBody is a place that is read other than it is written.
type SpotBody struct {
	From string `json:"from"`
	Said string `json:"said"`
	Kind string `json:"kind"`
}

// DoubtBody is a place that can be read in more than one way.
type DoubtBody struct {
	From    string   `json:"from"`
	Said    string   `json:"said" doc:"as it is read now"`
	Options []string `json:"options" doc:"other readings, if known"`
	Why     string   `json:"why"`
}

// ReadingBody is how a text will be said.
type ReadingBody struct {
	Words  string      `json:"words"`
	Places []SpotBody  `json:"places"`
	Doubts []DoubtBody `json:"doubts"`
	Board  string      `json:"board" doc:"a short text proposed for boards"`
}

// PronunciationBody is an entry of a unit's list.
type PronunciationBody struct {
	Written string `json:"written" doc:"with a capital letter: only so; without: in any case"`
	Said    string `json:"said"`
}

type (
	trialInput           struct{ Body TrialBody }
	readingOutput        struct{ Body ReadingBody }
	pronunciationsOutput struct{ Body []PronunciationBody }
	pronunciationsInput  struct {
		UnitPath
		Body []PronunciationBody `maxItems:"2000"`
	}
)

func registerReadings(api huma.API, s *Server) {
	tags := []string{"bulletins"}
	route(api, s, huma.Operation{
		OperationID: "read-text", Method: http.MethodPost, Path: "/readings", Summary: "How a text will be read, and a short text for boards", Tags: tags, MaxBodyBytes: 1 << 20,
	}, func(ctx context.Context, a account.Actor, in *trialInput) (*readingOutput, error) {
		r, err := s.Readings.Read(ctx, a, in.Body.domain())
		if err != nil {
			return nil, err
		}
		out := ReadingBody{Words: r.Words, Places: []SpotBody{}, Doubts: []DoubtBody{}, Board: r.Board}
		for _, p := range r.Places {
			out.Places = append(out.Places, SpotBody(p))
		}
		for _, d := range r.Doubts {
			out.Doubts = append(out.Doubts, DoubtBody{From: d.From, Said: d.Said, Options: append([]string{}, d.Options...), Why: d.Why})
		}
		return &readingOutput{Body: out}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "sample-text", Method: http.MethodPost, Path: "/readings/sample", Summary: "Speak a short text at once, as WAV, to try a pronunciation by ear", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *trialInput) (*huma.StreamResponse, error) {
		wav, err := s.Readings.Sample(ctx, a, in.Body.domain())
		if err != nil {
			return nil, err
		}
		return written("audio/wav", func(_ context.Context, w io.Writer) error {
			_, err := w.Write(wav)
			return err
		}), nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-pronunciations", Method: http.MethodGet, Path: "/units/{id}/pronunciations", Summary: "A unit's own list of pronunciations; those above it count too", Tags: []string{"units"},
	}, func(ctx context.Context, a account.Actor, in *UnitPath) (*pronunciationsOutput, error) {
		list, err := s.Readings.Pronunciations(ctx, a, in.ID)
		out := &pronunciationsOutput{Body: []PronunciationBody{}}
		for _, p := range list {
			out.Body = append(out.Body, PronunciationBody(p))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "set-pronunciations", Method: http.MethodPut, Path: "/units/{id}/pronunciations", Summary: "Replace a unit's own list of pronunciations", Tags: []string{"units"},
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 2 << 20,
	}, func(ctx context.Context, a account.Actor, in *pronunciationsInput) (*nothing, error) {
		list := make([]bulletin.Pronunciation, 0, len(in.Body))
		for _, p := range in.Body {
			list = append(list, bulletin.Pronunciation(p))
		}
		return nil, s.Readings.SetPronunciations(ctx, a, in.ID, list)
	})
	route(api, s, huma.Operation{
		OperationID: "get-growing-sound", Method: http.MethodGet, Path: "/bulletins/{id}/sound/growing", Summary: "What is spoken so far of a text at work, as a WAV stream that grows", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*huma.StreamResponse, error) {
		if _, err := s.Bulletins.Get(ctx, a, in.ID); err != nil {
			return nil, err
		}
		write, err := s.Growing.Growing(in.ID)
		if err != nil {
			return nil, err
		}
		return written("audio/wav", write), nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-original-sound", Method: http.MethodGet, Path: "/bulletins/{id}/sound/original", Summary: "A recording as it was uploaded, to compare with what was made of it", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*huma.StreamResponse, error) {
		b, err := s.Bulletins.Get(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		if b.Upload.IsZero() {
			return nil, problem.ErrNotFound
		}
		f, err := s.Sounds.Open(b.Upload)
		if err != nil {
			return nil, err
		}
		return file(f, soundKind(f), b.Upload.String()), nil
	})
}

// soundKind is the media type of sound by its bytes; whatever else a file holds, no
// browser shall take it for a page.
func soundKind(f io.ReaderAt) string {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "application/octet-stream"
	}
	kind := http.DetectContentType(head[:n])
	if strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/") || kind == "application/ogg" {
		return kind
	}
	return "application/octet-stream"
}

// written streams what write gives, piece by piece.
func written(kind string, write func(ctx context.Context, w io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		c := humagin.Unwrap(ctx)
		c.Header("Content-Type", kind)
		c.Header("Cache-Control", "no-store")
		// Whoever listens has gone if it fails: nobody is left to tell.
		_ = write(ctx.Context(), flushing{c.Writer})
	}}
}

// flushing sends each piece at once.
type flushing struct {
	to interface {
		io.Writer
		http.Flusher
	}
}

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.to.Write(b)
	f.to.Flush()
	return n, err
}
