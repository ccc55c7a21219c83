package transcode

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

func needTools(t testing.TB) {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// speechLike makes a WAV of syllables of noise and tone with pauses between.
func speechLike(seconds float64, rate, channels int, amplitude float64) []byte {
	frames := int(seconds * float64(rate))
	b := wavHeader(frames, rate, channels)
	seed := uint32(1)
	for i := range frames {
		at := float64(i) / float64(rate)
		seed = seed*1664525 + 1013904223
		noise := float64(int32(seed)) / math.MaxInt32
		envelope := math.Max(0, math.Sin(2*math.Pi*3*at)) * (0.6 + 0.4*math.Sin(2*math.Pi*0.31*at))
		v := envelope * (0.7*math.Sin(2*math.Pi*210*at) + 0.2*math.Sin(2*math.Pi*1900*at) + 0.1*noise)
		for range channels {
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v*amplitude*math.MaxInt16)))
		}
	}
	return b
}

// amrLike makes AMR-NB (RFC 4867) of noise: frames of the 12.2 kbit/s mode, whose
// bits may be any.
func amrLike(seconds int) []byte {
	b := []byte("#!AMR\n")
	seed := uint32(1)
	for range seconds * 50 {
		b = append(b, 7<<3|1<<2) // frame type 7, good quality
		for range 31 {
			seed = seed*1664525 + 1013904223
			b = append(b, byte(seed>>24))
		}
		b[len(b)-1] &= 0xf0 // 244 bits
	}
	return b
}

func wavHeader(frames, rate, channels int) []byte {
	size := frames * channels * 2
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+size))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*2))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*2))
	b = append(b, "\x10\x00data"...)
	return binary.LittleEndian.AppendUint32(b, uint32(size))
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// convert makes another container of a WAV with ffmpeg itself.
func convert(t testing.TB, wav []byte, name string, args ...string) string {
	t.Helper()
	source := write(t, "source.wav", wav)
	target := filepath.Join(t.TempDir(), name)
	all := append([]string{"-v", "error", "-nostdin", "-i", source}, args...)
	if out, err := exec.Command("ffmpeg", append(all, "-y", target)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return target
}

func TestEveryFaultOfARecordingIsItsOwnError(t *testing.T) {
	needTools(t)
	good := speechLike(3, 16000, 1, 0.3)
	m4a, err := os.ReadFile(convert(t, good, "a.m4a"))
	if err != nil {
		t.Fatal(err)
	}
	// An hour of silence is a small piece of FLAC; a decoder must not go through all of it.
	bomb, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=3600", "-c:a", "flac", "-f", "flac", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		data []byte
		cfg  Config
		want error
	}{
		"zero bytes":              {file: "a.mp3", want: ErrEmpty},
		"not media":               {file: "a.mp3", data: []byte(strings.Repeat("không phải âm thanh ", 400)), want: ErrNoSound},
		"text with a script":      {file: "a.m3u8", data: []byte("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), want: ErrNoSound},
		"list of files":           {file: "a.wav", data: []byte("ffconcat version 1.0\nfile '/etc/hostname'\n"), want: ErrNoSound},
		"a document":              {file: "a.mp3", data: append([]byte("%PDF-1.4\n"), make([]byte, 4000)...), want: ErrNoSound},
		"noise for a file":        {file: "a.mp3", data: bytes.Repeat([]byte{0x9d, 0x01, 0xe7, 0x42, 0x80}, 4000), want: ErrDamaged},
		"cut m4a":                 {file: "a.m4a", data: m4a[:len(m4a)/2], want: ErrDamaged},
		"cut wav":                 {file: "a.wav", data: good[:len(good)/2], want: ErrDamaged},
		"claims ten hours":        {file: "a.wav", data: append(wavHeader(36000*16000, 16000, 1), good[44:]...), want: ErrDamaged},
		"silence":                 {file: "a.wav", data: append(wavHeader(48000, 16000, 1), make([]byte, 96000)...), want: ErrSilence},
		"hiss only":               {file: "a.wav", data: speechLike(3, 16000, 1, 0.0004), want: ErrSilence},
		"too short":               {file: "a.wav", data: speechLike(0.3, 16000, 1, 0.3), want: ErrTooShort},
		"a small file of an hour": {file: "a.flac", data: bomb, cfg: Config{MaxDuration: 5 * time.Second}, want: ErrTooLong},
		"no frames":               {file: "a.wav", data: wavHeader(0, 16000, 1), want: ErrDamaged},
		"too long":                {file: "a.wav", data: good, cfg: Config{MaxDuration: 2 * time.Second}, want: ErrTooLong},
		"too large":               {file: "a.wav", data: good, cfg: Config{MaxSize: 1000}, want: ErrTooLarge},
		"many channels":           {file: "a.wav", data: speechLike(1, 8000, 12, 0.3), want: ErrTooMany},
		"no ffprobe":              {file: "a.wav", data: good, cfg: Config{FFprobe: "/nowhere/ffprobe"}, want: ErrFFmpegMissing},
		"no ffmpeg":               {file: "a.wav", data: good, cfg: Config{FFmpeg: "/nowhere/ffmpeg"}, want: ErrFFmpegMissing},
		"slow ffmpeg":             {file: "a.wav", data: good, cfg: Config{Timeout: time.Microsecond}, want: ErrFFmpegTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.cfg.TempDir = t.TempDir()
			_, err := New(c.cfg).Make(t.Context(), write(t, c.file, c.data), filepath.Join(dir, "out.opus"), Options{}, nil)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			for _, d := range []string{dir, c.cfg.TempDir} {
				if left, _ := os.ReadDir(d); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
	t.Run("no such file", func(t *testing.T) {
		if _, err := New(Config{}).Probe(t.Context(), "/nowhere/a.wav"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("picture only", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "a.mp4")
		cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=red:s=64x64:d=1", "-y", out)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if _, err := New(Config{}).Probe(t.Context(), out); !errors.Is(err, ErrNoSound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := New(Config{}).Make(ctx, write(t, "a.wav", good), filepath.Join(t.TempDir(), "o"), Options{}, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPhoneFormatsAreReadWhateverTheirName(t *testing.T) {
	needTools(t)
	wav := speechLike(12, 44100, 2, 0.1)
	amr := amrLike(12)
	for name, args := range map[string][]string{
		"amr": {"-c:a", "copy"}, "amr.3gp": {"-c:a", "copy"}, "m4a": {"-c:a", "aac"}, "3gp": {"-c:a", "aac", "-ac", "1", "-ar", "16000"}, "mp3": {"-c:a", "libmp3lame"},
		"webm": {"-c:a", "libopus"}, "opus": {"-c:a", "libopus"}, "wav": {}, "flac": {}, "ogg": {"-c:a", "libvorbis"},
		"of a browser.webm": {"-c:a", "libopus", "-live", "1"}, // no length in its head
		"six.wav":           {"-af", "pan=5.1|FC=c0"},
		"fast.wav":          {"-ar", "96000", "-c:a", "pcm_s24le"},
		"video.mp4":         {"-f", "lavfi", "-i", "color=red:s=64x64:r=5", "-shortest", "-c:a", "aac"},
	} {
		t.Run(name, func(t *testing.T) {
			source := wav
			if strings.HasPrefix(name, "amr") {
				source = amr // no encoder of it is free
			}
			b, err := os.ReadFile(convert(t, source, "a."+name, args...))
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.opus")
			r, err := New(Config{}).Make(t.Context(), write(t, "-i evil; $(x) %d.txt", b), out, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(r.Loudness-TargetHorn) > 0.5 || r.TruePeak > -1 {
				t.Errorf("%v LUFS, %v dBTP", r.Loudness, r.TruePeak)
			}
			if got := heard(t, out); math.Abs(got.Integrated-r.Loudness) > 0.1 || math.Abs(got.TruePeak-r.TruePeak) > 0.1 {
				t.Errorf("a player gives %v, the rendition claims %v LUFS and %v dBTP", got, r.Loudness, r.TruePeak)
			}
			if d := math.Abs(float64(r.Frames)/Rate - 12); d > 0.15 {
				t.Errorf("%d frames", r.Frames)
			}
		})
	}
}

// What goes before a recording is as loud as the recording, whatever both were, and
// each part keeps its length to the frame.
func TestALeadAndRepeatsKeepLengthAndLoudness(t *testing.T) {
	needTools(t)
	lead, body := speechLike(3, 22050, 1, 0.9), speechLike(5, 44100, 1, 0.02)
	opt := Options{Lead: write(t, "lead.wav", lead), Repeat: 2}
	out := filepath.Join(t.TempDir(), "out.opus")
	r, err := New(Config{}).Make(t.Context(), write(t, "a.wav", body), out, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64((3 + 5 + 1.5 + 5) * Rate); r.Frames < want-2 || r.Frames > want+2 {
		t.Errorf("%d frames, want %d", r.Frames, want)
	}
	if got := decoded(t, out); got != r.Frames {
		t.Errorf("ffmpeg decodes %d frames, want %d", got, r.Frames)
	}
	if math.Abs(r.Loudness-TargetHorn) > 0.5 || r.TruePeak > -1 {
		t.Errorf("%v LUFS, %v dBTP", r.Loudness, r.TruePeak)
	}
	for name, cut := range map[string][]string{
		"lead": {"-t", "3"}, "first": {"-ss", "3", "-t", "5"}, "second": {"-ss", "9.5"},
	} {
		part := filepath.Join(t.TempDir(), "part.wav")
		if b, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-i", out}, cut...), part)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if got := heard(t, part).Integrated; math.Abs(got-TargetHorn) > 1.5 {
			t.Errorf("%s: %v LUFS", name, got)
		}
	}
	_, err = New(Config{MaxDuration: 10 * time.Second}).Make(t.Context(), write(t, "a.wav", body), out, opt, nil)
	if !errors.Is(err, ErrTooLong) {
		t.Errorf("repeats over the limit: %v", err)
	}
}

// heard is what a player gives of a rendition, its output gain applied.
func heard(t testing.TB, path string) Level {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-i", path, "-af", "ebur128=framelog=verbose:peak=true", "-f", "null", "-").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	level, err := readSummary(string(out))
	if err != nil {
		t.Fatal(err)
	}
	return level
}

// decoded is how many frames ffmpeg makes of a rendition.
func decoded(t *testing.T, path string) int64 {
	t.Helper()
	pcm, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", path, "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(pcm) / 2)
}

func TestLengthIsExactWhereverASourceBegins(t *testing.T) {
	needTools(t)
	samples := filepath.Join("..", "..", "..", "testdata", "bulletins")
	for name, source := range map[string]string{
		"begins late, Vorbis": filepath.Join(samples, "06-lich-xuong-giong.ogg"),
		"MP3 with padding":    filepath.Join(samples, "05-hop-thon.mp3"),
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.opus")
			r, err := New(Config{}).Make(t.Context(), source, out, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := decoded(t, out); got != r.Frames {
				t.Errorf("ffmpeg decodes %d frames, want %d", got, r.Frames)
			}
		})
	}
}

func TestEachOutputHasItsLoudness(t *testing.T) {
	needTools(t)
	wav := speechLike(12, 48000, 1, 0.1)
	for _, target := range []float64{TargetHorn, TargetRadio} {
		out := filepath.Join(t.TempDir(), "out.opus")
		if _, err := New(Config{Target: target}).Make(t.Context(), write(t, "a.wav", wav), out, Options{}, nil); err != nil {
			t.Fatal(err)
		}
		if got := heard(t, out); math.Abs(got.Integrated-target) > 0.5 || got.TruePeak > -1 {
			t.Errorf("%v LUFS and %v dBTP, want %v", got.Integrated, got.TruePeak, target)
		}
	}
}

func TestLengthIsExactToTheFrameAndTagsAreRight(t *testing.T) {
	needTools(t)
	for _, frames := range []int{48000*2 + 1, 48000*3 + 959, 48000 * 4} {
		wav := speechLike(float64(frames)/48000, 48000, 1, 0.3)
		want := int64(len(wav)-44) / 2
		out := filepath.Join(t.TempDir(), "out.opus")
		r, err := New(Config{}).Make(t.Context(), write(t, "a.wav", wav), out, Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Frames != want {
			t.Errorf("%d frames, want %d", r.Frames, want)
		}
		if got := decoded(t, out); got != r.Frames {
			t.Errorf("ffmpeg decodes %d frames, want %d", got, r.Frames)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		gain := strconv.Itoa(int(math.Round((TargetRadio - r.Loudness) * 256)))
		if !bytes.Contains(b, []byte("R128_TRACK_GAIN="+gain)) {
			t.Errorf("no R128_TRACK_GAIN=%s", gain)
		}
		if rate := float64(r.Size) * 8 / (float64(r.Frames) / Rate); rate > 34000 {
			t.Errorf("%.0f bit/s", rate)
		}
	}
}

func TestCutOrChangedOggIsRefused(t *testing.T) {
	needTools(t)
	out := filepath.Join(t.TempDir(), "out.opus")
	if _, err := New(Config{}).Make(t.Context(), write(t, "a.wav", speechLike(2, 48000, 1, 0.3)), out, Options{}, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 20, 40, 100, len(b) - 1} {
		if _, err := Length(b[:at]); !errors.Is(err, errOgg) {
			t.Errorf("cut at %d: %v", at, err)
		}
		changed := bytes.Clone(b)
		changed[at] ^= 1
		if _, err := Length(changed); !errors.Is(err, errOgg) {
			t.Errorf("changed at %d: %v", at, err)
		}
	}
}

func FuzzLength(f *testing.F) {
	head := append([]byte("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00"), 0, 0, 0)
	p := page{flags: 2, segments: lacing(len(head)), body: head}
	f.Add(page{granule: 1000, sequence: 1, segments: lacing(3), body: []byte("abc")}.append(p.append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "Ogg", len(b), func() {
			_, _ = Length(b)
			_, _, _ = finishOgg(b, -16, 0.5)
		})
		if n, err := Length(b); err == nil && n < 0 {
			t.Errorf("%d frames", n)
		}
	})
}

// FuzzProbe reads what ffprobe says of a recording, and the chunks of one in WAV.
func FuzzProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"codec_type":"audio","codec_name":"pcm_s16le","channels":1,"sample_rate":"48000","duration":"1.5"}],"format":{"format_name":"wav","duration":"1.5","nb_streams":1}}`))
	f.Add([]byte(`{"streams":[` + strings.Repeat("{},", 2000) + `{}],"format":{"nb_streams":2001}}`))
	f.Add(speechLike(0.01, 8000, 1, 0.3))
	tools, file := New(Config{}), filepath.Join(f.TempDir(), "a.wav")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var info Info
		var err error
		protocoltest.HoldMemory(t, "answer of ffprobe", len(b), func() { info, err = tools.readProbe(b, int64(len(b))) })
		if err == nil && (!info.HasAudio || info.Channels < 1 || info.Rate < 1 || info.Duration < 0) {
			t.Errorf("took %+v", info)
		}
		protocoltest.HoldMemory(t, "WAV", len(b), func() { err = wholeWAV(file, int64(len(b))) })
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("refused as %v", err)
		}
	})
}
