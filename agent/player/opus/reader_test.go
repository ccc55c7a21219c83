package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// ffmpeg runs ffmpeg, or skips the test where it is not installed (it is on the hub and
// on whoever builds; the agent does not need it).
func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		protocoltest.Missing(t, "ffmpeg")
	}
	var out, diagnosis bytes.Buffer
	cmd := exec.Command(path, append([]string{"-v", "error", "-y"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &diagnosis
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, diagnosis.String())
	}
	return out.Bytes()
}

// reference is libopus' decoding by ffmpeg.
func reference(t testing.TB, path string) []int16 {
	t.Helper()
	raw := ffmpeg(t, "-c:a", "libopus", "-i", path, "-f", "s16le", "-c:a", "pcm_s16le", "-")
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

// snr is the ratio of want's energy to that of the difference, in dB.
func snr(got, want []int16) float64 {
	var signal, noise float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	if noise == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(signal/noise)
}

func TestDecodesAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tone := "aevalsrc=0.3*sin(2*PI*t*(300+200*t)):s=48000:d=7.013"
	stereo := "aevalsrc=0.3*sin(2*PI*440*t)|0.2*sin(2*PI*t*(200+90*t)):s=48000:d=3.3"
	for _, c := range []struct {
		name string
		make []string
		snr  float64
	}{
		{"greeting", nil, 45},
		{"voip 24k", []string{"-f", "lavfi", "-i", tone, "-b:a", "24k", "-application", "voip"}, 40},
		{"voip 60 ms packets", []string{"-f", "lavfi", "-i", tone, "-b:a", "16k", "-application", "voip", "-frame_duration", "60"}, 40},
		{"music 96k stereo", []string{"-f", "lavfi", "-i", stereo, "-b:a", "96k", "-application", "audio"}, 40},
		{"low delay 5 ms packets", []string{"-f", "lavfi", "-i", tone, "-b:a", "64k", "-application", "lowdelay", "-frame_duration", "5"}, 40},
		{"44.1 kHz source", []string{"-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*t*350):s=44100:d=2.5", "-ar", "48000", "-b:a", "24k"}, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "testdata/greeting.opus"
			if c.make != nil {
				path = filepath.Join(dir, filepath.Base(t.Name())+".opus")
				ffmpeg(t, append(slices.Clone(c.make), "-c:a", "libopus", path)...)
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := reference(t, path)
			got := readAll(t, file, 0)
			if len(got) != len(want) {
				t.Fatalf("%d samples, ffmpeg has %d", len(got), len(want))
			}
			db := snr(got, want)
			t.Logf("%d samples, %.1f dB", len(got), db)
			if db < c.snr {
				t.Errorf("%.1f dB against ffmpeg, want %.0f", db, c.snr)
			}
		})
	}
}

func TestLengthIsGranuleLessPreSkip(t *testing.T) {
	t.Parallel()
	file := greeting(t)
	s := takeApart(t, file)
	preSkip := int64(binary.LittleEndian.Uint16(s.head[10:]))
	for _, c := range []struct {
		name      string
		base, end int64
	}{
		{"as it is", 0, s.end},
		{"end trimmed by one frame more", 0, s.end - 1},
		{"cut out of a longer stream", 48000 * 3600, s.end + 48000*3600},
	} {
		t.Run(c.name, func(t *testing.T) {
			cut := s
			cut.base, cut.end = c.base, c.end
			for _, segments := range []int{1, 3, 255} {
				if segments == 255 && c.base > 0 && len(cut.packets) < 250 {
					continue // on a single page a beginning and an end trim cannot be told apart
				}
				r, err := Open(bytes.NewReader(cut.file(t, segments)))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := r.Frames(), c.end-c.base-preSkip; got != want {
					t.Errorf("%d segments a page: %d frames, want %d", segments, got, want)
				}
				if pcm, err := drain(r); err != nil || int64(len(pcm)) != r.Frames() {
					t.Errorf("%d segments a page: read %d frames of %d, %v", segments, len(pcm), r.Frames(), err)
				}
			}
		})
	}
}

func TestPacketsMayCrossPages(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fat.opus")
	// 60 ms at 96 kbit/s: packets of about 700 bytes, three segments each.
	ffmpeg(t, "-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*t*(300+200*t))+0.1*random(0):s=48000:d=4",
		"-c:a", "libopus", "-b:a", "96k", "-frame_duration", "60", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := takeApart(t, data)
	crossing := 0
	for _, p := range s.packets {
		if len(p) >= 255 {
			crossing++
		}
	}
	if crossing < 10 {
		t.Fatalf("only %d packets are long enough to cross pages", crossing)
	}
	want := readAll(t, data, 0)
	for _, segments := range []int{1, 2, 3, 4, 7, 16, 100} {
		paged := s.file(t, segments)
		if diff := cmp.Diff(want, readAll(t, paged, 0)); diff != "" {
			t.Errorf("%d segments a page: other samples", segments)
		}
		for _, from := range []int64{1, 4000, 48000, 100001, int64(len(want)) - 1} {
			got := readAll(t, paged, from)
			if db := snr(got, want[from:]); db < 30 {
				t.Errorf("%d segments a page: from %d on %.1f dB", segments, from, db)
			}
		}
	}
}

func TestResumeIsExactAndPreRolled(t *testing.T) {
	t.Parallel()
	s := takeApart(t, greeting(t))
	file := s.file(t, 10)
	want := readAll(t, file, 0)
	worst := math.Inf(1)
	for from := int64(0); from < int64(len(want)); from += 3191 {
		got := readAll(t, file, from)
		// the first 200 ms after the place are where a decoder without pre-roll is wrong
		n := min(len(got), 9600)
		if energy(want[from:from+int64(n)]) < 1e4 {
			continue // silence has no ratio
		}
		worst = min(worst, snr(got[:n], want[from:from+int64(n)]))
	}
	t.Logf("worst 200 ms after a resume: %.1f dB", worst)
	if worst < 50 {
		t.Errorf("worst %.1f dB", worst)
	}
	for _, past := range []int64{int64(len(want)), int64(len(want)) + 5} {
		if got := readAll(t, file, past); len(got) != 0 {
			t.Errorf("%d frames after the end", len(got))
		}
	}
}

func energy(pcm []int16) (e float64) {
	for _, s := range pcm {
		e += float64(s) * float64(s)
	}
	return e / float64(max(len(pcm), 1))
}

func TestOutputGainIsApplied(t *testing.T) {
	t.Parallel()
	s := takeApart(t, greeting(t))
	plain := readAll(t, s.file(t, 50), 0)
	s.head = bytes.Clone(s.head)
	minus6 := int16(-1541) // -6.0195 dB in 1/256 dB
	binary.LittleEndian.PutUint16(s.head[16:], uint16(minus6))
	quiet := readAll(t, s.file(t, 50), 0)
	ratio := math.Sqrt(energy(quiet) / energy(plain))
	if math.Abs(ratio-0.5) > 0.001 {
		t.Errorf("-6.02 dB made a factor of %.4f", ratio)
	}
}

func TestLongIndexStaysBounded(t *testing.T) {
	t.Parallel()
	s := takeApart(t, greeting(t))
	one := s
	for range 40 {
		s.packets = append(s.packets, one.packets...)
		s.end += one.end / 960 * 960
	}
	total := int64(0)
	for _, p := range s.packets {
		n, err := duration(p)
		if err != nil {
			t.Fatal(err)
		}
		total += int64(n)
	}
	s.end = total
	r, err := Open(bytes.NewReader(s.file(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.marks) >= maxMarks || len(r.marks) < maxMarks/4 {
		t.Errorf("%d marks for %d pages", len(r.marks), len(s.packets))
	}
	at := r.Frames() - 1000
	if err := r.SeekFrame(at); err != nil {
		t.Fatal(err)
	}
	if pcm, err := drain(r); err != nil || len(pcm) != 1000 {
		t.Errorf("%d frames, %v", len(pcm), err)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	t.Parallel()
	whole := greeting(t)
	s := takeApart(t, whole)
	paged := func(change func(*stream)) []byte {
		c := s
		c.head = bytes.Clone(s.head)
		change(&c)
		return c.file(t, 20)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-40] ^= 1
	pages := bytes.Split(s.file(t, 20), []byte("OggS"))[1:]
	without := func(n int) []byte {
		var out []byte
		for i, p := range pages {
			if i != n {
				out = append(append(out, "OggS"...), p...)
			}
		}
		return out
	}
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, ErrTruncated},
		{"not Ogg", []byte("RIFF....WAVEfmt of some kind, long enough for a header"), ErrFormat},
		{"cut inside the last page", whole[:len(whole)-1], ErrTruncated},
		{"cut between pages", without(len(pages) - 1), ErrTruncated},
		{"a page missing", without(4), ErrFormat},
		{"a flipped bit", damaged, ErrFormat},
		{"something behind the end", append(bytes.Clone(whole), 0), ErrFormat},
		{"a second stream behind the end", append(bytes.Clone(whole), whole...), ErrFormat},
		{"not Opus", paged(func(s *stream) { s.head[0] = 'V' }), ErrFormat},
		{"three channels", paged(func(s *stream) { s.head[9] = 3 }), ErrFormat},
		{"mapping family 1", paged(func(s *stream) { s.head[18] = 1 }), ErrFormat},
		{"header version 16", paged(func(s *stream) { s.head[8] = 16 }), ErrFormat},
		{"no comments", paged(func(s *stream) { s.tags = []byte("nothing here") }), ErrFormat},
		{"a position behind the packets", paged(func(s *stream) { s.end += 48000 }), ErrFormat},
		{"an empty packet", paged(func(s *stream) { s.packets = append([][]byte{{}}, s.packets...) }), ErrFormat},
		{"a packet of 63 frames", paged(func(s *stream) { s.packets = append([][]byte{{3, 63, 0}}, s.packets...) }), ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Open(bytes.NewReader(c.file))
			if err == nil {
				_, err = drain(r)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// decoderMemory is what the decoder and the reader hold, whatever the file says.
const decoderMemory = 1 << 20

func FuzzReader(f *testing.F) {
	s := takeApart(f, greeting(f))
	s.packets, s.end = s.packets[:8], 8*960-100 // small seeds, many tries
	f.Add(s.file(f, 255), int64(0))
	f.Add(s.file(f, 1), int64(5000))
	f.Add(s.file(f, 3), int64(7000))
	f.Add(s.file(f, 3)[:300], int64(0))
	f.Fuzz(func(t *testing.T, file []byte, from int64) {
		protocoltest.HoldMemoryBeside(t, "file of Opus", len(file), decoderMemory, func() {
			if r, err := Open(bytes.NewReader(file)); err == nil {
				play(t, r, from)
			}
		})
		r, err := Open(bytes.NewReader(file))
		if err != nil {
			refused(t, err)
			return
		}
		play(t, r, from)
	})
}

// FuzzPackets puts the fuzzer's packets into pages with right sums, which FuzzReader
// never gets past.
func FuzzPackets(f *testing.F) {
	s := takeApart(f, greeting(f))
	f.Add(s.packets[10], s.packets[60], 1, int64(0))
	f.Add(s.packets[30], []byte{0xfc}, 2, int64(100))
	f.Add([]byte{0x0b, 0x02, 0, 0}, []byte{0xff, 0x81, 5, 1, 2, 3, 4, 5}, 7, int64(4000))
	f.Fuzz(func(t *testing.T, a, b []byte, segments int, from int64) {
		if segments < 1 || segments > 255 || len(a)+len(b) > 1<<16 {
			return
		}
		c := s
		c.packets = append([][]byte{s.packets[0], a, b, a}, s.packets[1:4]...)
		total := int64(0)
		for _, p := range c.packets {
			if n, err := duration(p); err == nil {
				total += int64(n)
			}
		}
		c.end = max(total-100, 0)
		file := c.file(t, segments)
		protocoltest.HoldMemoryBeside(t, "packets of Opus", len(file), decoderMemory, func() {
			if r, err := Open(bytes.NewReader(file)); err == nil {
				play(t, r, from)
			}
		})
		r, err := Open(bytes.NewReader(file))
		if err != nil {
			refused(t, err)
			return
		}
		play(t, r, from)
	})
}

func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTruncated) {
		t.Fatalf("an error of no kind: %v", err)
	}
}

// play reads at most a few seconds and holds the reader to its contract.
func play(t *testing.T, r *Reader, from int64) {
	t.Helper()
	if err := r.SeekFrame(from); err != nil {
		if from >= 0 {
			refused(t, err)
		}
		return
	}
	left := max(r.Frames()-from, 0)
	block := make([]int16, 960*r.Channels())
	for range 300 {
		n, err := r.Read(block)
		if left -= int64(n); left < 0 {
			t.Fatalf("%d frames more than Frames", -left)
		}
		if errors.Is(err, io.EOF) {
			if n != 0 || left != 0 {
				t.Fatalf("the end came with %d frames, %d short of Frames", n, left)
			}
			return
		}
		if err != nil {
			refused(t, err)
			return
		}
		if n == 0 {
			t.Fatal("neither frames nor an error")
		}
	}
	if len(r.packets.part) > maxPacket || cap(r.pager.body) > maxBody || len(r.marks) > maxMarks {
		t.Fatal(fmt.Sprint("memory: ", len(r.packets.part), cap(r.pager.body), len(r.marks)))
	}
}

func BenchmarkDecode(b *testing.B) {
	file := greeting(b)
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		b.Fatal(err)
	}
	block := make([]int16, 960)
	frames := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.SeekFrame(0); err != nil {
			b.Fatal(err)
		}
		for {
			n, err := r.Read(block)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			frames += int64(n)
		}
	}
	b.ReportMetric(float64(frames)/48000/b.Elapsed().Seconds(), "x_real_time")
}
