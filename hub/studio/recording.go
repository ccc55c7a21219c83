package studio

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
)

// RecordingJob is a recording to be made fit for a horn.
type RecordingJob struct {
	Path      string
	Treatment transcode.Options // Lead is the studio's own
	// What is heard before it, and how the title is said: as TextJob's.
	Chime   Chime
	Title   string
	Voice   speech.Voice
	Rate    float64
	Reading *normalise.Options
}

// FromRecording makes a recording fit for a horn. Errors are the sentinels of
// transcode, fs.ErrNotExist, and for the title and the repeats those of FromText.
func (s *Studio) FromRecording(ctx context.Context, job RecordingJob, progress Progress) (Rendition, error) {
	if progress == nil {
		progress = func(string, float64) {}
	}
	r, err := s.recording(ctx, job, progress)
	if err != nil {
		return Rendition{}, fmt.Errorf("from sound: %w", err)
	}
	return r, nil
}

func (s *Studio) recording(ctx context.Context, job RecordingJob, progress Progress) (Rendition, error) {
	opt := job.Treatment
	if opt.Repeat < 0 || opt.Repeat > MaxRepeat {
		return Rendition{}, fmt.Errorf("repeat %d: %w", opt.Repeat, ErrRepeat)
	}
	lead, title, err := s.lead(ctx, job, progress)
	if err != nil {
		return Rendition{}, err
	}
	if len(lead.Samples) > 0 {
		dir, err := os.MkdirTemp(s.cfg.TempDir, "loa-studio-")
		if err != nil {
			return Rendition{}, err
		}
		defer os.RemoveAll(dir)
		opt.Lead = filepath.Join(dir, "lead.wav")
		if err := writeSound(opt.Lead, lead); err != nil {
			return Rendition{}, err
		}
	}
	r, err := s.render(ctx, job.Path, opt, progress)
	if err != nil {
		return Rendition{}, err
	}
	r.Spoken, r.Changes, r.Ambiguous = title.Spoken, title.Changes, title.Ambiguous
	return r, nil
}

// lead makes what is heard before a recording: nothing, a chime, a spoken title.
func (s *Studio) lead(ctx context.Context, job RecordingJob, progress Progress) (speech.PCM, normalise.Reading, error) {
	out := speech.PCM{Rate: transcode.Rate}
	var title normalise.Reading
	var said []speech.PCM
	if job.Title != "" {
		progress(StageRead, 0)
		if err := normalise.Check(job.Title); err != nil {
			return out, title, fmt.Errorf("title: %w", err)
		}
		title = normalise.Read(job.Title, s.reading(job.Reading))
		progress(StageRead, 1)
		var err error
		said, err = s.pieces(ctx, TextJob{Voice: job.Voice, Rate: job.Rate}, speech.Pieces(title.Spoken), progress)
		if err != nil {
			return out, title, err
		}
	}
	if len(said) > 0 {
		out.Rate = said[0].Rate
	}
	if job.Chime != ChimeNone {
		out.Samples = job.Chime.Samples(out.Rate)
		out.Silence(pauseAfterChime)
	}
	for _, part := range said {
		out.Samples = append(out.Samples, part.Samples...)
	}
	if len(said) > 0 {
		out.Silence(pauseAfterTitle)
	}
	return out, title, nil
}
