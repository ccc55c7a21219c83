// Package speech turns words into a recording by an outside engine: espeak-ng's
// Vietnamese voices, or any program that takes text on its standard input and
// gives a WAV file.
//
// It decides how an engine is called and within which limits, and joins what it
// says piece by piece. It never changes the words, and never trusts what an
// engine writes without reading it as PCM.
package speech

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
)

// What may go wrong with an engine.
var (
	// ErrEngineMissing: the engine's program is not installed.
	ErrEngineMissing = errors.New("speech engine is missing")
	// ErrEngineTimeout: the engine did not finish in time and was killed.
	ErrEngineTimeout = errors.New("speech engine took too long")
	// ErrEngineFailed: the engine ended with an error, or its sound can't be read.
	ErrEngineFailed = errors.New("speech engine failed")
	// ErrVoice: the engine has no such voice.
	ErrVoice = errors.New("unknown voice")
	// ErrRate: the rate is outside of MinRate to MaxRate.
	ErrRate = errors.New("rate out of range")
)

// Voice is an accent that people choose from.
type Voice string

// The voices. The zero value is the northern one.
const (
	VoiceNorth   Voice = "north"
	VoiceCentral Voice = "central"
	VoiceSouth   Voice = "south"
)

// Rates are relative to the engine's normal pace, 1.
const (
	MinRate = 0.5
	MaxRate = 2.0
)

// Request is what an engine should say.
type Request struct {
	Text  string  // words with commas and full stops
	Voice Voice   // "" is VoiceNorth
	Rate  float64 // 0 is 1, the normal pace
}

// Engine says a text.
type Engine interface {
	// Speak returns the sound of req, mono. The error wraps one of the sentinels
	// of this package, or is the context's.
	Speak(ctx context.Context, req Request) (PCM, error)
	// Identity names the engine and whatever of its settings changes the sound.
	Identity() string
}

// Config describes an engine that is a program. In Args these stand for values:
// {voice} the entry of Voices, {wpm} words a minute, {rate} the rate as 1.00,
// {scale} its inverse (length scale), {out} a file to write WAV to. Without
// {out} the WAV is read from the standard output. The text is on its input.
type Config struct {
	Program string
	Args    []string
	Voices  map[Voice]string
	WPM     int // words a minute at rate 1

	Timeout  time.Duration // of one piece of text; 0 is 60 s
	MaxSound int64         // bytes of WAV of one piece; 0 is 64 MiB
	Memory   uint64        // bytes of address space; 0 is 4 GiB
	TempDir  string        // "" is the system's
}

// EspeakConfig returns the settings for espeak-ng as Debian packages it. program
// may be "" for "espeak-ng".
func EspeakConfig(program string) Config {
	if program == "" {
		program = "espeak-ng"
	}
	return Config{
		Program: program,
		Args:    []string{"-b", "1", "-a", "60", "-v", "{voice}", "-s", "{wpm}", "-g", "2", "--stdin", "-w", "{out}"},
		Voices: map[Voice]string{
			VoiceNorth:   "vi",
			VoiceCentral: "vi-vn-x-central",
			VoiceSouth:   "vi-vn-x-south",
		},
		WPM: 150,
	}
}

// Program is an Engine that runs a program for each piece of text. It keeps no
// state and may be used by several goroutines at once.
type Program struct{ cfg Config }

// New returns the engine described by cfg.
func New(cfg Config) *Program {
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.MaxSound <= 0 {
		cfg.MaxSound = 64 << 20
	}
	if cfg.Memory == 0 {
		cfg.Memory = 4 << 30
	}
	return &Program{cfg: cfg}
}

// Identity names the program and its arguments.
func (p *Program) Identity() string {
	return p.cfg.Program + "\x00" + strings.Join(p.cfg.Args, "\x00") + "\x00" + strconv.Itoa(p.cfg.WPM) +
		"\x00" + fmt.Sprint(p.cfg.Voices)
}

// Speak runs the program once.
func (p *Program) Speak(ctx context.Context, req Request) (PCM, error) {
	args, err := p.arguments(req)
	if err != nil {
		return PCM{}, err
	}
	dir, err := os.MkdirTemp(p.cfg.TempDir, "loa-speech-")
	if err != nil {
		return PCM{}, fmt.Errorf("speak: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "speech.wav")
	toFile := false
	for i, a := range args {
		toFile = toFile || strings.Contains(a, "{out}")
		args[i] = strings.ReplaceAll(a, "{out}", file)
	}
	spec := child.Spec{
		Path: p.cfg.Program, Args: args, Stdin: strings.NewReader(req.Text + "\n"),
		Env:     []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8"},
		Timeout: p.cfg.Timeout, MaxOutput: p.cfg.MaxSound, Memory: p.cfg.Memory,
		FileSize: uint64(p.cfg.MaxSound), OpenFiles: 256, Nice: 5,
	}
	var wav []byte
	buffer := &growing{}
	if !toFile {
		spec.Stdout = buffer
	}
	_, err = child.Run(ctx, spec)
	if err != nil {
		return PCM{}, engineError(err)
	}
	wav = buffer.b
	if toFile {
		if wav, err = os.ReadFile(file); err != nil {
			return PCM{}, fmt.Errorf("speak: no file written: %w", ErrEngineFailed)
		}
	}
	sound, err := ParseWAV(wav)
	if err != nil {
		return PCM{}, fmt.Errorf("speak: %v: %w", err, ErrEngineFailed)
	}
	return sound, nil
}

func (p *Program) arguments(req Request) ([]string, error) {
	voice := req.Voice
	if voice == "" {
		voice = VoiceNorth
	}
	name, ok := p.cfg.Voices[voice]
	if !ok {
		return nil, fmt.Errorf("voice %q: %w", voice, ErrVoice)
	}
	rate := req.Rate
	if rate == 0 {
		rate = 1
	}
	if !(rate >= MinRate && rate <= MaxRate) {
		return nil, fmt.Errorf("rate %v: %w", rate, ErrRate)
	}
	values := strings.NewReplacer(
		"{voice}", name,
		"{wpm}", strconv.Itoa(int(math.Round(float64(p.cfg.WPM)*rate))),
		"{rate}", strconv.FormatFloat(rate, 'f', 2, 64),
		"{scale}", strconv.FormatFloat(1/rate, 'f', 2, 64),
	)
	args := make([]string, len(p.cfg.Args))
	for i, a := range p.cfg.Args {
		args[i] = values.Replace(a)
	}
	return args, nil
}

func engineError(err error) error {
	switch {
	case errors.Is(err, child.ErrMissing):
		return fmt.Errorf("speak: %v: %w", err, ErrEngineMissing)
	case errors.Is(err, child.ErrTimeout):
		return fmt.Errorf("speak: %v: %w", err, ErrEngineTimeout)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("speak: %w", err)
	}
	return fmt.Errorf("speak: %v: %w", err, ErrEngineFailed)
}

// growing is a buffer for the standard output; child limits its size.
type growing struct{ b []byte }

func (g *growing) Write(b []byte) (int, error) {
	g.b = append(g.b, b...)
	return len(b), nil
}
