// Package studio makes what a village hears: a text becomes speech, a recording
// becomes loud and clear, and both become the very file that devices play.
//
// It decides how a rendition is put together (chime, title, body, repeats) and
// what to say to people when it can't be. It runs the speech engine and ffmpeg
// through its sub-packages; it keeps no jobs, stores nothing but the file it
// was asked for, and approves nothing.
package studio

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
)

// Config are the tools and limits of a studio. Zero values take defaults.
type Config struct {
	Transcode transcode.Config
	// Dir is where renditions are written, named by their digest, as
	// "{digest}.opus"; it must exist.
	Dir string
	// TempDir is where unfinished work lies; "" is the system's. It may be on
	// another file system than Dir.
	TempDir string
	Reading normalise.Options
}

// Stages that progress tells of, in their order; from StageProbe on they are
// those of the transcoder.
const (
	StageRead    = "read"
	StageSpeak   = "speak"
	StageProbe   = transcode.StageProbe
	StageMeasure = transcode.StageMeasure
	StageLevel   = transcode.StageLevel
	StageEncode  = transcode.StageEncode
	StageVerify  = transcode.StageVerify
)

// Progress is told the stage at work and how far it is, from 0 to 1. It is
// called from one goroutine at a time.
type Progress func(stage string, fraction float64)

// TextJob is a text to be spoken.
type TextJob struct {
	Text  string
	Title string // spoken before the text if not empty
	Voice speech.Voice
	Rate  float64 // 0 is 1, the normal pace
	// Pause is added after each sentence, at most MaxPause.
	Pause time.Duration
	Chime Chime // before the title; the zero value is none
	// Repeat is how many times title and text are said, 0 is once. At most 5.
	Repeat int
	// Listen, if not nil, is given each piece of about 30 seconds as soon as it
	// is spoken, so that a long text can be heard while it grows: title first,
	// without chime or repeats. It is called from one goroutine at a time.
	Listen func(piece speech.PCM) `json:"-"`
	// Reading replaces the studio's own options if not nil, so that a commune's
	// list or a dialect can be tried at once.
	Reading *normalise.Options
}

// MaxPause is the longest pause that can be added after a sentence.
const MaxPause = 3 * time.Second

// ErrPause: a TextJob's Pause is not 0 to MaxPause.
var ErrPause = errors.New("pause out of range")

// MaxRepeat is how often a text may be said in one rendition.
const MaxRepeat = 5

// ErrRepeat: a TextJob's Repeat is not 0 to MaxRepeat.
var ErrRepeat = errors.New("repeat out of range")

// Rendition is a finished file and what is known of it.
type Rendition struct {
	Path      string          // in Config.Dir
	Digest    protocol.Digest // of the file's bytes
	Size      int64           // bytes
	Frames    int64           // length at 48 kHz, exact
	Loudness  float64         // LUFS, measured on the decoded file
	TruePeak  float64         // dBTP, measured on the decoded file
	Spoken    string          // what the voice was given; "" for a recording
	Changes   []normalise.Change
	Ambiguous []normalise.Ambiguity
	// Findings are what is wrong with a recording, worst first.
	Findings []transcode.Finding
}

// Duration is the length of the rendition.
func (r Rendition) Duration() time.Duration {
	return time.Duration(r.Frames) * time.Second / transcode.Rate
}

// Studio makes renditions. It may be used by several goroutines at once.
type Studio struct {
	cfg    Config
	engine speech.Engine
	trans  *transcode.Transcoder
	log    *slog.Logger
}

// New returns a studio that speaks with engine.
func New(cfg Config, engine speech.Engine, log *slog.Logger) *Studio {
	if cfg.Transcode.TempDir == "" {
		cfg.Transcode.TempDir = cfg.TempDir
	}
	return &Studio{cfg: cfg, engine: engine, trans: transcode.New(cfg.Transcode), log: log}
}

// unfinished is how the directories of renditions at work begin: out of sight.
const unfinished = ".loa-rendition-"

// Probe says what a recording holds, as transcode.Transcoder.Probe does.
func (s *Studio) Probe(ctx context.Context, path string) (transcode.Info, error) {
	return s.trans.Probe(ctx, path)
}

// Join puts the parts of an interrupted recording together, as
// transcode.Transcoder.Join does, and returns the file; the caller removes it.
func (s *Studio) Join(ctx context.Context, parts []string) (string, error) {
	f, err := os.CreateTemp(s.cfg.Dir, "joined-*.flac")
	if err != nil {
		return "", fmt.Errorf("join: %w", err)
	}
	if err := errors.Join(f.Close(), s.trans.Join(ctx, parts, f.Name())); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// FromText speaks a text. The same job under the same settings gives the same
// bytes. Errors: those of normalise.Check, ErrRepeat, and the sentinels of
// speech and transcode; Message turns each into a sentence.
func (s *Studio) FromText(ctx context.Context, job TextJob, progress Progress) (Rendition, error) {
	if progress == nil {
		progress = func(string, float64) {}
	}
	progress(StageRead, 0)
	script, err := s.script(job)
	if err != nil {
		return Rendition{}, fmt.Errorf("from text: %w", err)
	}
	progress(StageRead, 1)
	sound, err := s.speak(ctx, job, script, progress)
	if err != nil {
		return Rendition{}, fmt.Errorf("from text: %w", err)
	}
	dir, err := os.MkdirTemp(s.cfg.TempDir, "loa-studio-")
	if err != nil {
		return Rendition{}, fmt.Errorf("from text: %w", err)
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "speech.wav")
	if err := writeSound(source, sound); err != nil {
		return Rendition{}, fmt.Errorf("from text: %w", err)
	}
	r, err := s.render(ctx, source, transcode.Options{}, progress)
	if err != nil {
		return Rendition{}, fmt.Errorf("from text: %w", err)
	}
	r.Spoken = script.spoken()
	r.Changes, r.Ambiguous = script.body.Changes, script.body.Ambiguous
	r.Findings = nil
	return r, nil
}

// Say speaks a text as it is, neither levelled nor encoded: a sample to try a
// reading by ear. Errors are those of FromText.
func (s *Studio) Say(ctx context.Context, job TextJob) (speech.PCM, error) {
	script, err := s.script(job)
	if err != nil {
		return speech.PCM{}, fmt.Errorf("say: %w", err)
	}
	sound, err := s.speak(ctx, job, script, func(string, float64) {})
	if err != nil {
		return speech.PCM{}, fmt.Errorf("say: %w", err)
	}
	return sound, nil
}

// version changes whenever the same job gives other bytes than before.
const version = 2

// Identity names the engine, the studio's version and whatever of its settings
// changes the sound.
func (s *Studio) Identity() string {
	c := s.trans.Config()
	return fmt.Sprintf("%d\x00%s\x00%g\x00%g\x00%d", version, s.engine.Identity(), c.Target, c.TruePeak, c.Bitrate)
}

// render transcodes source into Dir, where the file appears under its digest.
func (s *Studio) render(ctx context.Context, source string, opt transcode.Options, progress Progress) (Rendition, error) {
	dir, err := os.MkdirTemp(s.cfg.Dir, unfinished)
	if err != nil {
		return Rendition{}, fmt.Errorf("render: %w", err)
	}
	defer os.RemoveAll(dir)
	res, err := s.trans.Make(ctx, source, filepath.Join(dir, "rendition.opus"), opt, progress)
	if err != nil {
		return Rendition{}, err
	}
	digest, err := digestFile(res.Path)
	if err != nil {
		return Rendition{}, fmt.Errorf("render: %w", err)
	}
	final := filepath.Join(s.cfg.Dir, digest.String()+".opus")
	if err := os.Rename(res.Path, final); err != nil {
		return Rendition{}, fmt.Errorf("render: %w", err)
	}
	s.log.Info("rendition made", "digest", digest.String(), "size", res.Size, "frames", res.Frames,
		"loudness", res.Loudness, "true_peak", res.TruePeak)
	return Rendition{
		Path: final, Digest: digest, Size: res.Size, Frames: res.Frames,
		Loudness: res.Loudness, TruePeak: res.TruePeak, Findings: res.Findings,
	}, nil
}

// script is what will be said.
type script struct {
	title, body normalise.Reading
	repeat      int
}

// spoken is title and body once, as the voice is given them.
func (s script) spoken() string {
	return strings.TrimSpace(s.title.Spoken + "\n" + s.body.Spoken)
}

func (s *Studio) script(job TextJob) (script, error) {
	if job.Repeat < 0 || job.Repeat > MaxRepeat {
		return script{}, fmt.Errorf("repeat %d: %w", job.Repeat, ErrRepeat)
	}
	if job.Pause < 0 || job.Pause > MaxPause {
		return script{}, fmt.Errorf("pause %s: %w", job.Pause, ErrPause)
	}
	if err := normalise.Check(job.Text); err != nil {
		return script{}, fmt.Errorf("text: %w", err)
	}
	if job.Title != "" {
		if err := normalise.Check(job.Title); err != nil {
			return script{}, fmt.Errorf("title: %w", err)
		}
	}
	opt := s.reading(job.Reading)
	out := script{body: normalise.Read(job.Text, opt), repeat: max(1, job.Repeat)}
	if job.Title != "" {
		out.title = normalise.Read(job.Title, opt)
	}
	if out.body.Words == "" {
		return script{}, fmt.Errorf("text: %w", normalise.ErrNothingRead)
	}
	return out, nil
}

// reading are the options asked for, or the studio's own.
func (s *Studio) reading(asked *normalise.Options) normalise.Options {
	if asked != nil {
		return *asked
	}
	return s.cfg.Reading
}

// Pauses of a rendition.
const (
	pauseAfterChime = 600 * time.Millisecond
	pauseAfterTitle = 700 * time.Millisecond
	pauseRepeat     = transcode.RepeatPause
	pauseEnd        = 300 * time.Millisecond
)

// speak joins chime, title, body and repeats into one sound.
func (s *Studio) speak(ctx context.Context, job TextJob, sc script, progress Progress) (speech.PCM, error) {
	pieces := speech.Pieces
	if job.Pause > 0 {
		pieces = speech.Sentences
	}
	parts := pieces(sc.title.Spoken)
	titles := len(parts)
	said, err := s.pieces(ctx, job, append(parts, pieces(sc.body.Spoken)...), progress)
	if err != nil {
		return speech.PCM{}, err
	}
	out := speech.PCM{Rate: said[0].Rate}
	if job.Chime != ChimeNone {
		out.Samples = job.Chime.Samples(out.Rate)
		out.Silence(pauseAfterChime)
	}
	for n := range sc.repeat {
		if n > 0 {
			out.Silence(pauseRepeat)
		}
		for i, part := range said {
			if i == titles && titles > 0 {
				out.Silence(pauseAfterTitle)
			}
			out.Samples = append(out.Samples, part.Samples...)
		}
	}
	out.Silence(pauseEnd)
	return out, nil
}

// pieces speaks parts of a text, one after the other.
func (s *Studio) pieces(ctx context.Context, job TextJob, parts []string, progress Progress) ([]speech.PCM, error) {
	progress(StageSpeak, 0)
	said := make([]speech.PCM, len(parts))
	for i, text := range parts {
		sound, err := s.engine.Speak(ctx, speech.Request{Text: text, Voice: job.Voice, Rate: job.Rate})
		if err != nil {
			return nil, err
		}
		if i > 0 && sound.Rate != said[0].Rate {
			return nil, fmt.Errorf("rate changed to %d Hz: %w", sound.Rate, speech.ErrEngineFailed)
		}
		sound.Silence(job.Pause)
		said[i] = sound
		if job.Listen != nil {
			job.Listen(sound)
		}
		progress(StageSpeak, float64(i+1)/float64(len(parts)))
	}
	return said, nil
}

func writeSound(path string, sound speech.PCM) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := speech.WriteWAV(f, sound); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func digestFile(path string) (protocol.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return protocol.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return protocol.Digest{}, err
	}
	return protocol.Digest(h.Sum(nil)), nil
}
