package transcode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
)

// Options change the sound on its way. The zero value changes nothing but
// loudness.
type Options struct {
	// Repair takes out rumble below 80 Hz and steady noise, and evens out speech.
	Repair bool
	// From and To trim the source; To 0 is its end.
	From, To time.Duration
	// Lead is a WAV file that is heard before the recording, as loud as it: a chime,
	// a spoken title. "" is none. It is neither repaired nor trimmed.
	Lead string `json:"-"`
	// Repeat is how many times the recording is heard, RepeatPause apart; 0 is once.
	Repeat int

	left      bool // take the first channel only, where the two cancel each other out
	press     press
	lead      time.Duration // its length
	leadGain  float64       // dB
	leadPress press
}

// RepeatPause is the silence between repeats.
const RepeatPause = 1500 * time.Millisecond

// press is the threshold in dBFS of the compressor for peaky speech, 0 for none.
type press float64

// length is that of the rendition of a recording of that length.
func (o Options) length(recording time.Duration) time.Duration {
	all := o.lead + recording
	for range max(1, o.Repeat) - 1 {
		all += RepeatPause + recording
	}
	return all
}

// alone says whether the rendition is the recording once and nothing else.
func (o Options) alone() bool { return o.Lead == "" && o.Repeat <= 1 }

func (o Options) trims() bool { return o.From > 0 || o.To > 0 }

// filters is the chain from the source to 48 kHz mono.
func (o Options) filters() string {
	var f []string
	if o.trims() {
		trim := "atrim=start=" + decimal(o.From.Seconds())
		if o.To > 0 {
			trim += ":end=" + decimal(o.To.Seconds())
		}
		f = append(f, trim, "asetpts=PTS-STARTPTS")
	}
	if o.left {
		f = append(f, "pan=mono|c0=c0")
	}
	f = append(f, "aresample="+strconv.Itoa(Rate), "aformat=sample_fmts=flt:channel_layouts=mono")
	if o.Repair {
		f = append(f, "highpass=f=80", "afftdn=nr=12:nf=-40:tn=1", "speechnorm=e=4:r=0.0005:l=1")
	}
	return strings.Join(f, ",")
}

// levelled is the chain with a gain in dB and a limiter at a ceiling in dBFS. Its
// frames are stamped by counting: a source that does not begin at 0, or has gaps,
// would else get granule positions beyond its frames.
func (o Options) levelled(gain, ceiling float64) string {
	chain := o.filters()
	if o.press < 0 {
		chain += fmt.Sprintf(",acompressor=threshold=%sdB:ratio=4:attack=1:release=50:knee=8:detection=peak", decimal(float64(o.press)))
	}
	return fmt.Sprintf("%s,volume=%sdB:precision=float,alimiter=level=0:latency=1:attack=2:release=60:limit=%s,asetpts=N/SR/TB",
		chain, decimal(gain), decimal(math.Pow(10, ceiling/20)))
}

// Where ffmpeg writes to.
const (
	stdout = "pipe:1"
	stderr = "pipe:2"
)

// input are the arguments that open the source, confined, and send its sound
// through filters.
func (t *Transcoder) input(source, filters, progress string) ([]string, error) {
	args, err := t.open(source)
	if err != nil {
		return nil, err
	}
	return t.limited(append(args, "-map", "0:a:0", "-af", filters), progress), nil
}

// open are the arguments that open sources, confined.
func (t *Transcoder) open(sources ...string) ([]string, error) {
	args := quiet()
	for _, source := range sources {
		url, err := inputURL(source)
		if err != nil {
			return nil, err
		}
		args = append(args, from(url)...)
	}
	return args, nil
}

func quiet() []string {
	return []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "info"}
}

// from are the arguments that open one input, confined.
func from(url string) []string {
	return []string{"-protocol_whitelist", "file,pipe", "-format_whitelist", formats, "-i", url}
}

// limited adds to arguments that nothing but sound comes out, not without end, and
// where to tell the progress.
func (t *Transcoder) limited(args []string, progress string) []string {
	return append(args, "-vn", "-sn", "-dn", "-t", decimal((t.cfg.MaxDuration + time.Second).Seconds()), "-progress", progress)
}

// put are the arguments that open the source and whatever goes with it, and put
// the rendition's sound together, followed by more filters.
func (t *Transcoder) put(source string, opt Options, gain, ceiling float64, more, progress string) ([]string, error) {
	if opt.alone() {
		return t.input(source, opt.levelled(gain, ceiling)+more, progress)
	}
	var sources []string
	var graph, order strings.Builder
	parts := 0
	part := func(chain string) {
		fmt.Fprintf(&graph, "%s[p%d];", chain, parts)
		fmt.Fprintf(&order, "[p%d]", parts)
		parts++
	}
	if opt.Lead != "" {
		part("[0:a:0]" + Options{press: opt.leadPress}.levelled(opt.leadGain, ceiling))
		sources = append(sources, opt.Lead)
	}
	for n := range max(1, opt.Repeat) {
		if n > 0 {
			part(fmt.Sprintf("anullsrc=r=%d:cl=mono,atrim=duration=%s", Rate, decimal(RepeatPause.Seconds())))
		}
		part(fmt.Sprintf("[%d:a:0]%s", len(sources), opt.levelled(gain, ceiling)))
		sources = append(sources, source)
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d:v=0:a=1,asetpts=N/SR/TB%s[all]", order.String(), parts, more)
	args, err := t.open(sources...)
	if err != nil {
		return nil, err
	}
	return t.limited(append(args, "-filter_complex", graph.String(), "-map", "[all]"), progress), nil
}

// statistics is the filter that measures the source as it is, channel by channel.
const statistics = "astats=measure_perchannel=Peak_level+RMS_level+Flat_factor+Noise_floor:measure_overall=none,"

// measure decodes the source once and returns its loudness after repair, what is
// wrong with it, and its length. Where two channels cancel each other out it sets
// opt to take only the first.
func (t *Transcoder) measure(ctx context.Context, source string, info Info, opt *Options, progress func(string, float64)) (measurement, error) {
	for {
		args, err := t.input(source, statistics+opt.filters()+",ebur128=framelog=verbose", stdout)
		if err != nil {
			return measurement{}, err
		}
		args = append(args, "-f", "null", "-")
		m, err := t.analyse(ctx, "measure", StageMeasure, args, nil, info.Duration, progress)
		if err != nil {
			return measurement{}, err
		}
		if opt.left || len(m.channels) != 2 || m.Integrated > loudest(m.channels)-cancelled {
			return m, nil
		}
		opt.left = true
	}
}

// rehearse measures what gain and limiter make of the source, without encoding.
func (t *Transcoder) rehearse(ctx context.Context, source string, info Info, gain, ceiling float64, opt Options, progress func(string, float64)) (Level, error) {
	args, err := t.put(source, opt, gain, ceiling, ",ebur128=framelog=verbose", stdout)
	if err != nil {
		return Level{}, err
	}
	args = append(args, "-f", "null", "-")
	m, err := t.analyse(ctx, "level", StageLevel, args, nil, info.Duration, progress)
	return m.Level, err
}

// verify decodes the rendition that comes through r and measures it, true peak included.
func (t *Transcoder) verify(ctx context.Context, r io.Reader, progress func(string, float64)) (Level, error) {
	args := append(quiet(), from("pipe:0")...)
	args = append(t.limited(append(args, "-map", "0:a:0", "-af", "ebur128=framelog=verbose:peak=true"), stdout), "-f", "null", "-")
	m, err := t.analyse(ctx, "verify", StageVerify, args, r, 0, progress)
	return m.Level, err
}

// measurement is what one decoding tells.
type measurement struct {
	Level
	channels []channel // of the source, if statistics were asked for
	frames   int64     // at 48 kHz
}

func (t *Transcoder) analyse(ctx context.Context, operation, stage string, args []string, in io.Reader, length time.Duration, progress func(string, float64)) (measurement, error) {
	watch := &progressReader{stage: stage, length: length, tell: progress}
	spec := t.spec(t.cfg.FFmpeg, nil, 64<<20)
	spec.Args, spec.Stdin, spec.Stdout = args, in, watch
	progress(stage, 0)
	log, err := child.Run(ctx, spec)
	if err != nil {
		return measurement{}, toolError(operation, err, ErrDamaged)
	}
	level, err := readSummary(log)
	if err != nil {
		return measurement{}, fmt.Errorf("%s: %v: %w", operation, err, ErrDamaged)
	}
	progress(stage, 1)
	return measurement{Level: level, channels: readChannels(log), frames: watch.frames()}, nil
}

// encode writes the source with a gain in dB, limited to a ceiling in dBFS, and
// returns what a decoder makes of it, measured while it is being written.
func (t *Transcoder) encode(ctx context.Context, source, draft string, info Info, gain, ceiling float64, opt Options, progress func(string, float64)) (Level, error) {
	file, err := os.Create(draft)
	if err != nil {
		return Level{}, fmt.Errorf("encode: %w", err)
	}
	defer file.Close()
	ctx, stop := context.WithCancelCause(ctx) // the first of the two to fail ends the other
	defer stop(nil)
	decoded, encoded := io.Pipe()
	var level Level
	verified := make(chan struct{})
	go func() {
		defer close(verified)
		var err error
		// Its progress is the writer's.
		if level, err = t.verify(ctx, decoded, func(string, float64) {}); err != nil {
			stop(err)
		}
		decoded.CloseWithError(io.ErrClosedPipe)
	}()
	err = t.write(ctx, source, io.MultiWriter(file, encoded), info, gain, ceiling, opt, progress)
	if err != nil {
		stop(err)
	}
	encoded.CloseWithError(err)
	progress(StageVerify, 0)
	<-verified
	if err := context.Cause(ctx); err != nil {
		return Level{}, fmt.Errorf("encode: %w", err)
	}
	if err := file.Close(); err != nil {
		return Level{}, fmt.Errorf("encode: %w", err)
	}
	progress(StageVerify, 1)
	return level, nil
}

// complexity is how hard the encoder searches, of 0 to 10. On speech at 24 kbit/s 3
// needs 0.54 times the processor of 10, and what differs from the source is 0.3 dB more.
const complexity = "3"

// write gives the encoded source to out.
func (t *Transcoder) write(ctx context.Context, source string, out io.Writer, info Info, gain, ceiling float64, opt Options, progress func(string, float64)) error {
	args, err := t.put(source, opt, gain, ceiling, "", stderr)
	if err != nil {
		return err
	}
	args = append(args, "-map_metadata", "-1", "-map_chapters", "-1",
		"-fflags", "+bitexact", "-flags:a", "+bitexact",
		"-c:a", "libopus", "-application", "voip", "-b:a", strconv.Itoa(t.cfg.Bitrate), "-vbr", "on",
		"-compression_level", complexity, "-frame_duration", "20", "-ac", "1", "-ar", strconv.Itoa(Rate),
		"-page_duration", "1000000", "-f", "ogg", stdout)
	spec := t.spec(t.cfg.FFmpeg, nil, 64<<20)
	spec.Args, spec.Stdout = args, out
	spec.Stderr = &progressReader{stage: StageEncode, length: info.Duration, tell: progress}
	progress(StageEncode, 0)
	if _, err := child.Run(ctx, spec); err != nil {
		return toolError("encode", err, ErrFFmpegFailed)
	}
	progress(StageEncode, 1)
	return nil
}

// readSummary reads the last summary of ffmpeg's ebur128 filter.
func readSummary(log string) (Level, error) {
	at := strings.LastIndex(log, "Summary:")
	if at < 0 {
		return Level{}, fmt.Errorf("no summary")
	}
	level := Level{Integrated: math.NaN(), TruePeak: math.NaN()}
	for line := range strings.Lines(log[at:]) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		value, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			continue
		}
		switch {
		case name == "I":
			level.Integrated = value
		case name == "LRA":
			level.Range = value
		case name == "Peak":
			level.TruePeak = value
		}
	}
	if math.IsNaN(level.Integrated) {
		level.Integrated = -70
	}
	return level, nil
}

// progressReader reads what -progress writes.
type progressReader struct {
	stage   string
	length  time.Duration
	tell    func(string, float64)
	pending []byte
	micros  int64
}

func (p *progressReader) Write(b []byte) (int, error) {
	p.pending = append(p.pending, b...)
	for {
		at := bytes.IndexByte(p.pending, '\n')
		if at < 0 {
			break
		}
		key, value, _ := strings.Cut(string(p.pending[:at]), "=")
		p.pending = p.pending[at+1:]
		if key != "out_time_us" {
			continue
		}
		if us, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && us > p.micros {
			p.micros = us
			if p.length > 0 {
				p.tell(p.stage, min(1, float64(us)/float64(p.length.Microseconds())))
			}
		}
	}
	if len(p.pending) > 4096 {
		p.pending = nil
	}
	return len(b), nil
}

// frames is the length of the output so far, to the microsecond.
func (p *progressReader) frames() int64 { return (p.micros*Rate + 500_000) / 1_000_000 }

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }
