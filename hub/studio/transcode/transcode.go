// Package transcode makes the one kind of file that devices play out of any
// recording: Ogg Opus, mono, 24 kbit/s, at a set loudness, with an exact length.
//
// It decides loudness, limits and the form of the file, and says in kinds of
// error what is wrong with a recording. It runs ffmpeg and ffprobe, confined; it
// never trusts a file's name, its tags, or the length that it claims.
package transcode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
)

// What may be wrong with a recording, or with the tools.
var (
	ErrEmpty    = errors.New("file is empty")
	ErrNoSound  = errors.New("file has no sound")
	ErrDamaged  = errors.New("file is damaged or cut off")
	ErrTooLong  = errors.New("recording is too long")
	ErrTooShort = errors.New("recording is too short")
	ErrTooLarge = errors.New("file is too large")
	ErrTooMany  = errors.New("file has too many channels or streams")
	ErrSilence  = errors.New("recording is silent")
	ErrLoudness = errors.New("loudness could not be reached")
	ErrTrim     = errors.New("nothing between the ends of the trim")

	ErrFFmpegMissing = errors.New("ffmpeg is missing")
	ErrFFmpegTimeout = errors.New("ffmpeg took too long")
	ErrFFmpegFailed  = errors.New("ffmpeg failed")
)

// LimitError is ErrTooLong with what is allowed.
type LimitError struct{ Limit time.Duration }

func (e *LimitError) Error() string { return fmt.Sprintf("over %v: %v", e.Limit, ErrTooLong) }

// Unwrap makes it ErrTooLong.
func (e *LimitError) Unwrap() error { return ErrTooLong }

// Rate is the number of frames a second of every rendition.
const Rate = 48000

// Targets of loudness, in LUFS (EBU R 128).
const (
	TargetHorn  = -16.0 // speech on horn loudspeakers
	TargetRadio = -23.0
)

// Config are the tools and limits. Zero values take the defaults named.
type Config struct {
	FFmpeg  string // "ffmpeg"
	FFprobe string // "ffprobe"
	TempDir string // the system's

	Target   float64 // LUFS, TargetHorn
	TruePeak float64 // dBTP of the decoded result, -1
	Bitrate  int     // bit/s, 24,000

	MaxSize     int64         // bytes of the source, 512 MiB
	MaxDuration time.Duration // of the source, 2 h
	MinDuration time.Duration // of the source, 500 ms
	MaxChannels int           // 8
	MaxStreams  int           // 16
	Timeout     time.Duration // of one run of ffmpeg, 10 min
	Memory      uint64        // bytes of address space of one run, 4 GiB
	Nice        int           // 10
}

// Transcoder makes renditions. It keeps no state and may be used by several
// goroutines at once.
type Transcoder struct{ cfg Config }

// New returns a transcoder; it does not look for the tools yet.
func New(cfg Config) *Transcoder {
	def(&cfg.FFmpeg, "ffmpeg")
	def(&cfg.FFprobe, "ffprobe")
	def(&cfg.Target, TargetHorn)
	def(&cfg.TruePeak, -1)
	def(&cfg.Bitrate, 24000)
	def(&cfg.MaxSize, 512<<20)
	def(&cfg.MaxDuration, 2*time.Hour)
	def(&cfg.MinDuration, 500*time.Millisecond)
	def(&cfg.MaxChannels, 8)
	def(&cfg.MaxStreams, 16)
	def(&cfg.Timeout, 10*time.Minute)
	def(&cfg.Memory, 4<<30)
	def(&cfg.Nice, 10)
	return &Transcoder{cfg: cfg}
}

func def[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Config returns the settings with their defaults.
func (t *Transcoder) Config() Config { return t.cfg }

// Result is a finished rendition.
type Result struct {
	Path     string  // the file
	Size     int64   // bytes
	Frames   int64   // at 48 kHz, as a decoder gives them: without pre-skip and end trim
	Loudness float64 // integrated, LUFS, measured on the decoded result, with Gain
	TruePeak float64 // dBTP, measured on the decoded result, with Gain
	Gain     float64 // output gain in the file's header, dB; players apply it
	Source   Level   // what was measured on the source after repair
	// Findings are what is wrong with the source, worst first.
	Findings []Finding
}

// Level is what EBU R 128 measures.
type Level struct {
	Integrated float64 // LUFS, -70 for silence
	Range      float64 // LU
	TruePeak   float64 // dBTP; -Inf for silence, NaN when not measured
}

// Stages of Make, in their order.
const (
	StageProbe   = "probe"
	StageMeasure = "measure"
	StageLevel   = "level"
	StageEncode  = "encode"
	StageVerify  = "verify"
)

// maxRehearsals and maxEncodes bound how often the gain is corrected, without
// and with encoding.
const (
	maxRehearsals = 3
	maxEncodes    = 4
	maxStep       = 6.0 // dB
)

// What limiter and codec were seen to do to speech: first guesses, corrected by
// measuring.
const (
	codecOvershoot = 3.0  // dB of true peak that Opus at 24 kbit/s adds: 0.7 to 3
	codecLoss      = 0.4  // LU that it takes
	limiterLoss    = 0.25 // LU for each dB by which peaks pass the ceiling
)

// Speech whose peaks would pass the ceiling by more than peaky dB, as those of
// synthetic voices do, is compressed first: a limiter alone would distort it. The
// compressor begins pressBelow dB under its loudness and takes about pressLoss LU.
const (
	peaky      = 4.0
	pressBelow = 6.0
	pressLoss  = 13.0
)

// silenceBelow is the integrated loudness, in LUFS, under which nothing can be
// understood whatever the gain: the noise of a telephone's microphone is at -65.
const silenceBelow = -58.0

// Errors of loudness, in LU, that are not worth another run: of the finished file,
// and before encoding, where the file's output gain takes up what is left, at most
// maxRest dB.
const (
	loudnessTolerance  = 0.2
	rehearsalTolerance = 1.0
	maxRest            = 3.0
)

// Make reads the recording at source and writes its rendition to target, which
// appears at once and whole, by rename. progress, if not nil, is told the stage
// and its fraction from 0 to 1. The error wraps one of the sentinels, or is the
// context's; target is then untouched.
func (t *Transcoder) Make(ctx context.Context, source, target string, opt Options, progress func(stage string, fraction float64)) (Result, error) {
	if progress == nil {
		progress = func(string, float64) {}
	}
	if opt.From < 0 || opt.To < 0 || opt.To > 0 && opt.To <= opt.From {
		return Result{}, fmt.Errorf("from %v to %v: %w", opt.From, opt.To, ErrTrim)
	}
	progress(StageProbe, 0)
	info, err := t.Probe(ctx, source)
	if err != nil {
		return Result{}, err
	}
	progress(StageProbe, 1)
	dir, err := os.MkdirTemp(t.cfg.TempDir, "loa-transcode-")
	if err != nil {
		return Result{}, fmt.Errorf("transcode: %w", err)
	}
	defer os.RemoveAll(dir)

	measured, err := t.measure(ctx, source, info, &opt, progress)
	if err != nil {
		return Result{}, err
	}
	if err := t.checkLength(info, measured.frames, opt); err != nil {
		return Result{}, err
	}
	if err := t.prepare(ctx, &opt, progress); err != nil {
		return Result{}, err
	}
	info.Duration = opt.length(framesDuration(measured.frames)) // from here on, of the rendition
	if info.Duration > t.cfg.MaxDuration {
		return Result{}, fmt.Errorf("%v with repeats: %w", info.Duration, &LimitError{t.cfg.MaxDuration})
	}
	if measured.Integrated < silenceBelow {
		return Result{}, fmt.Errorf("%.1f LUFS: %w", measured.Integrated, ErrSilence)
	}
	draft := filepath.Join(dir, "draft.opus")
	res, err := t.fit(ctx, source, draft, info, measured, opt, progress)
	if err != nil {
		return Result{}, err
	}
	res.Source, res.Findings = measured.Level, diagnose(measured, opt)
	return t.publish(draft, target, res)
}

// fit encodes the source at the target's loudness and measures the decoded result.
// What is then still missing is written into the file as its output gain (RFC 7845
// section 5.1), which every decoder applies, as far as the peaks allow; only where
// they do not is it encoded again under a lower ceiling.
func (t *Transcoder) fit(ctx context.Context, source, draft string, info Info, m measurement, opt Options, progress func(string, float64)) (Result, error) {
	loss := codecLoss
	ceiling := t.cfg.TruePeak - codecOvershoot
	gain, press, over := guess(m, t.cfg.Target+loss, ceiling)
	opt.press = press
	var best Result
	missed := math.Inf(1)
	for range maxEncodes {
		expected := t.cfg.Target + loss // where only the gain acts, it does what it says
		if over > 0 {
			var err error
			if expected, err = t.search(ctx, source, info, &gain, expected, ceiling, opt, progress); err != nil {
				return Result{}, err
			}
		}
		level, err := t.encode(ctx, source, draft+".next", info, gain, ceiling, opt, progress)
		if err != nil {
			return Result{}, err
		}
		wanted := t.cfg.Target - level.Integrated
		rest := round256(max(-maxRest, min(maxRest, wanted, t.cfg.TruePeak-level.TruePeak)))
		if off := math.Abs(wanted - rest); level.TruePeak+rest <= t.cfg.TruePeak && off < missed {
			if err := os.Rename(draft+".next", draft); err != nil {
				return Result{}, fmt.Errorf("fit: %w", err)
			}
			best, missed = Result{Loudness: level.Integrated + rest, TruePeak: level.TruePeak + rest, Gain: rest}, off
		}
		if missed <= loudnessTolerance {
			return best, nil
		}
		loss = expected - level.Integrated
		if lack := level.TruePeak + wanted - t.cfg.TruePeak; lack > 0 {
			ceiling -= lack + 0.2
			over = max(over, lack)
		}
	}
	if math.IsInf(missed, 1) {
		return Result{}, fmt.Errorf("true peak over %.1f dBTP: %w", t.cfg.TruePeak, ErrLoudness)
	}
	return best, nil
}

// guess is the gain in dB, and the compressor's threshold, that should bring a
// sound to a loudness under a ceiling, and by how many dB its peaks would pass that.
func guess(m measurement, loudness, ceiling float64) (gain float64, at press, over float64) {
	gain = loudness - m.Integrated
	over = loudestPeak(m.channels) + gain - ceiling
	switch {
	case over > peaky:
		return gain + pressLoss, press(max(-60, min(-1, m.Integrated-pressBelow))), over
	case over > 0:
		return gain + over*limiterLoss, 0, over
	}
	return gain, 0, over
}

// prepare measures what is heard before the recording.
func (t *Transcoder) prepare(ctx context.Context, opt *Options, progress func(string, float64)) error {
	if opt.Lead == "" {
		return nil
	}
	m, err := t.measure(ctx, opt.Lead, Info{}, &Options{}, progress)
	if err != nil {
		return fmt.Errorf("lead: %w", err)
	}
	opt.lead = framesDuration(m.frames)
	opt.leadGain, opt.leadPress, _ = guess(m, t.cfg.Target+codecLoss, t.cfg.TruePeak-codecOvershoot)
	return nil
}

// round256 rounds dB down to what an output gain can say: 1/256 dB.
func round256(db float64) float64 { return math.Floor(db*256) / 256 }

// search moves gain, in dB, until the loudness after the limiter is near target,
// by secants, and returns the loudness last measured.
func (t *Transcoder) search(ctx context.Context, source string, info Info, gain *float64, target, ceiling float64, opt Options, progress func(string, float64)) (float64, error) {
	slope, lastGain, last := 0.7, 0.0, 0.0
	for n := range maxRehearsals {
		level, err := t.rehearse(ctx, source, info, *gain, ceiling, opt, progress)
		if err != nil {
			return 0, err
		}
		now := level.Integrated
		if n > 0 && *gain != lastGain {
			slope = max(0.15, min(1, (now-last)/(*gain-lastGain)))
		}
		lastGain, last = *gain, now
		if math.Abs(target-now) <= rehearsalTolerance {
			break
		}
		*gain += max(-maxStep, min(maxStep, (target-now)/slope))
		if n == maxRehearsals-1 {
			last += (target - now) // where the last step should lead
		}
	}
	return last, nil
}

// checkLength compares the decoded length with the limits and with what the
// container claims, if it does: less is a file that was cut off.
func (t *Transcoder) checkLength(info Info, frames int64, opt Options) error {
	length := framesDuration(frames)
	switch {
	case length > t.cfg.MaxDuration:
		return &LimitError{t.cfg.MaxDuration}
	case frames == 0 && opt.trims():
		return fmt.Errorf("from %v to %v: %w", opt.From, opt.To, ErrTrim)
	case frames == 0:
		return fmt.Errorf("nothing to decode: %w", ErrDamaged)
	case opt.trims():
	case info.Claimed && length < info.Duration-info.Duration/50-500*time.Millisecond:
		return fmt.Errorf("%v of %v: %w", length, info.Duration, ErrDamaged)
	}
	if length < t.cfg.MinDuration {
		return fmt.Errorf("%v: %w", length, ErrTooShort)
	}
	return nil
}

// publish writes the tags, syncs, and renames the draft to target.
func (t *Transcoder) publish(draft, target string, res Result) (Result, error) {
	b, err := os.ReadFile(draft)
	if err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	b, frames, err := finishOgg(b, res.Loudness, res.Gain)
	if err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	if err := writeWhole(target, b); err != nil {
		return Result{}, fmt.Errorf("publish: %w", err)
	}
	res.Path, res.Size, res.Frames = target, int64(len(b)), frames
	return res, nil
}

// writeWhole makes target appear with exactly the bytes b, or not at all.
func writeWhole(target string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(target), ".loa-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

func framesDuration(frames int64) time.Duration {
	return time.Duration(float64(frames) / Rate * float64(time.Second))
}

// toolError turns a child's error into one of this package's.
func toolError(operation string, err error, otherwise error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", operation, err)
	case errors.Is(err, child.ErrMissing):
		return fmt.Errorf("%s: %v: %w", operation, err, ErrFFmpegMissing)
	case errors.Is(err, child.ErrTimeout):
		return fmt.Errorf("%s: %v: %w", operation, err, ErrFFmpegTimeout)
	}
	return fmt.Errorf("%s: %v: %w", operation, err, otherwise)
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("source: %w", err)
	}
	return fmt.Errorf("source: %v: %w", err, ErrDamaged)
}
