package transcode

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// childSeconds is the processor time of all children so far.
func childSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkRecordingAgainstBareFFmpeg gives the processor time of a recording of
// a minute as a ratio to ffmpeg alone doing the same: loudnorm in two passes, the
// second into Opus, and the measurement of the result. Longer recordings take
// proportionally longer on both sides; LOA_BENCH_MINUTES sets another length.
func BenchmarkRecordingAgainstBareFFmpeg(b *testing.B) {
	needTools(b)
	minutes := 1.0
	if s := os.Getenv("LOA_BENCH_MINUTES"); s != "" {
		d, err := time.ParseDuration(s + "m")
		if err != nil {
			b.Fatal(err)
		}
		minutes = d.Minutes()
	}
	source := convert(b, speechLike(60*minutes, 44100, 1, 0.1), "a.m4a", "-c:a", "aac")
	dir := b.TempDir()
	bare := func(args ...string) {
		all := append([]string{"-hide_banner", "-nostdin", "-nostats", "-v", "error"}, args...)
		if out, err := exec.Command("ffmpeg", all...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	draft := filepath.Join(dir, "bare.opus")
	ours, theirs := 0.0, 0.0
	var took time.Duration
	for b.Loop() {
		start := childSeconds(b)
		from := time.Now()
		if _, err := New(Config{Nice: 1}).Make(b.Context(), source, filepath.Join(dir, "ours.opus"), Options{}, nil); err != nil {
			b.Fatal(err)
		}
		took += time.Since(from)
		middle := childSeconds(b)
		const norm = "loudnorm=I=-16:TP=-1:LRA=11:linear=true"
		bare("-i", source, "-af", norm+":print_format=json", "-f", "null", "-")
		bare("-i", source, "-af", norm, "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-application", "voip", "-b:a", "24k", "-y", draft)
		bare("-i", draft, "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-")
		ours += middle - start
		theirs += childSeconds(b) - middle
	}
	off := math.Abs(heard(b, filepath.Join(dir, "ours.opus")).Integrated - TargetHorn)
	b.ReportMetric(off, "LU_off")
	b.ReportMetric(took.Seconds()/float64(b.N), "s/recording")
	b.ReportMetric(ours/theirs, "x_bare_ffmpeg")
	b.ReportMetric(ours/float64(b.N)/minutes, "cpu_s/minute")
}
