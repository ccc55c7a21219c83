package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
)

// sounds makes bulletins' sounds in the studio and keeps them as blobs.
type sounds struct {
	studio  *studio.Studio
	blobs   *blob.Dir
	voice   speech.Voice
	growing *growing
}

// drillWords are said before and after the text of a drill.
const drillWords = "Đây là diễn tập."

// Check implements bulletin.Sounds.
func (s sounds) Check(field, text string) error {
	if err := normalise.Check(text); err != nil {
		return refused(err, field)
	}
	return nil
}

// refused turns one of the studio's errors into what people should do.
func refused(err error, field string) error {
	vi, en := studio.Message(err)
	kind := problem.ErrInvalid
	if errors.Is(err, speech.ErrEngineMissing) || errors.Is(err, speech.ErrEngineTimeout) || errors.Is(err, speech.ErrEngineFailed) ||
		errors.Is(err, transcode.ErrFFmpegMissing) || errors.Is(err, transcode.ErrFFmpegTimeout) {
		kind = problem.ErrUnavailable
	}
	return problem.New(kind, "studio", field, vi, en).Because(err)
}

// job is what a bulletin of text asks of the studio.
func (s sounds) job(b bulletin.Bulletin, said map[string]string) studio.TextJob {
	job := studio.TextJob{
		Text: b.Text, Voice: s.chosen(b.Options.Voice), Rate: b.Options.Rate, Repeat: b.Options.Repeat,
		Pause:   time.Duration(b.Options.Pause) * time.Millisecond,
		Reading: &normalise.Options{Southern: b.Options.Southern, Pronounce: said},
	}
	if b.Options.Title {
		job.Title = b.Title
	}
	if b.Options.Drill {
		job.Text = drillWords + " " + job.Text + "\n" + drillWords
	}
	if b.Options.Chime {
		job.Chime = studio.ChimeTwo
	}
	return job
}

// chosen is the voice asked for, or the hub's own.
func (s sounds) chosen(voice string) speech.Voice {
	if voice == "" {
		return s.voice
	}
	return speech.Voice(voice)
}

// treatment is what a recording's author asks of the studio.
func treatment(o bulletin.SoundOptions) transcode.Options {
	return transcode.Options{
		Repair: o.Repair, Repeat: o.Repeat,
		From: time.Duration(o.From) * time.Millisecond, To: time.Duration(o.To) * time.Millisecond,
	}
}

// Key implements bulletin.Sounds.
func (s sounds) Key(b bulletin.Bulletin, said map[string]string) protocol.Digest {
	h := sha256.New()
	// Marshalling these cannot fail; maps are written in the order of their keys.
	_ = json.NewEncoder(h).Encode(struct {
		Studio string
		Job    studio.TextJob
		Upload protocol.Digest
		Treat  transcode.Options
	}{s.studio.Identity(), s.job(b, said), b.Upload, treatment(b.Options)})
	return protocol.Digest(h.Sum(nil))
}

// Has implements bulletin.Sounds.
func (s sounds) Has(r bulletin.Rendition) bool {
	_, err := s.blobs.Path(r.Content.Digest)
	return err == nil
}

// Speak implements bulletin.Sounds. While it speaks, what is said so far can be
// heard by the bulletin's id.
func (s sounds) Speak(ctx context.Context, b bulletin.Bulletin, said map[string]string, report func(string, float64)) (bulletin.Rendition, error) {
	job := s.job(b, said)
	grown, done := s.growing.begin(b.ID)
	defer done()
	job.Listen = grown.add
	r, err := s.studio.FromText(ctx, job, report)
	return s.keep(ctx, r, err)
}

// Record implements bulletin.Sounds.
func (s sounds) Record(ctx context.Context, b bulletin.Bulletin, said map[string]string, report func(string, float64)) (bulletin.Rendition, error) {
	path, err := s.blobs.Path(b.Upload)
	if err != nil {
		return bulletin.Rendition{}, fmt.Errorf("upload: %w", err)
	}
	words := s.job(b, said)
	r, err := s.studio.FromRecording(ctx, studio.RecordingJob{
		Path: path, Treatment: treatment(b.Options),
		Chime: words.Chime, Title: words.Title, Voice: words.Voice, Rate: words.Rate, Reading: words.Reading,
	}, report)
	return s.keep(ctx, r, err)
}

// Read implements bulletin.Sounds.
func (s sounds) Read(t bulletin.Trial, said map[string]string) bulletin.Reading {
	r := normalise.Read(t.Text, normalise.Options{Southern: t.Southern, Pronounce: said})
	out := bulletin.Reading{Words: r.Words, Board: studio.Ticker(t.Title, t.Text)}
	for _, c := range r.Changes {
		out.Places = append(out.Places, bulletin.Place{From: c.From, Said: c.To, Kind: string(c.Kind)})
	}
	for _, a := range r.Ambiguous {
		out.Doubts = append(out.Doubts, bulletin.Doubt{From: a.From, Said: a.Read, Options: a.Options, Why: string(a.Why)})
	}
	return out
}

// Sample implements bulletin.Sounds.
func (s sounds) Sample(ctx context.Context, t bulletin.Trial, said map[string]string) ([]byte, error) {
	pcm, err := s.studio.Say(ctx, studio.TextJob{
		Text: t.Text, Voice: s.chosen(t.Voice), Rate: t.Rate, Reading: &normalise.Options{Southern: t.Southern, Pronounce: said},
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, refused(err, "text")
	}
	var b bytes.Buffer
	if err := speech.WriteWAV(&b, pcm); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return b.Bytes(), nil
}

// keep moves a rendition into the blobs.
func (s sounds) keep(ctx context.Context, r studio.Rendition, err error) (bulletin.Rendition, error) {
	if ctx.Err() != nil {
		return bulletin.Rendition{}, errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return bulletin.Rendition{}, refused(err, "text")
	}
	f, err := os.Open(r.Path)
	if err != nil {
		return bulletin.Rendition{}, fmt.Errorf("keep rendition: %w", err)
	}
	_, _, err = s.blobs.Put(f, protocol.MaxContent)
	if err = errors.Join(err, f.Close(), os.Remove(r.Path)); err != nil {
		return bulletin.Rendition{}, fmt.Errorf("keep rendition: %w", err)
	}
	content, err := s.blobs.Content(r.Digest)
	if err != nil {
		return bulletin.Rendition{}, fmt.Errorf("keep rendition: %w", err)
	}
	out := bulletin.Rendition{
		Content: content, Digest: r.Digest.String(), Size: r.Size, Frames: r.Frames, Loudness: r.Loudness, TruePeak: r.TruePeak, Spoken: r.Spoken,
	}
	for _, c := range r.Changes {
		out.Changes = append(out.Changes, bulletin.Change{From: c.From, To: c.To})
	}
	for _, a := range r.Ambiguous {
		out.Doubts = append(out.Doubts, a.From)
	}
	for _, f := range r.Findings {
		vi, en := f.Message()
		out.Findings, out.FindingsEn = append(out.Findings, vi), append(out.FindingsEn, en)
	}
	return out, nil
}
