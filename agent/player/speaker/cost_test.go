package speaker_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/cardtest"
	"github.com/loa-vn/loa/agent/player/speaker"
)

// BenchmarkPlaying plays the bulletin for ten seconds a turn, on a card in a process of
// its own, and tells what the process that drives the card costs, and what this one does,
// which decodes.
func BenchmarkPlaying(b *testing.B) {
	for _, driver := range append(drivers(b), "oto-told") {
		b.Run(driver, func(b *testing.B) {
			args := []string{}
			if strings.HasSuffix(driver, "-told") {
				args = append(args, "--told")
			}
			cfg := speaker.Config{Device: cardProcess(b, args...)}
			if driver != "aplay" {
				cfg.Driver, cfg.Child, cfg.Env = strings.TrimSuffix(driver, "-told"), []string{os.Args[0]}, []string{childEnv + "=1"}
			}
			log := slog.New(slog.NewTextHandler(b.Output(), nil))
			s, err := speaker.Open(cfg, log)
			if err != nil {
				b.Fatal(err)
			}
			r := &rig{speaker: s, player: player.New(s, log)}
			defer r.player.Close()
			r.warm(b)
			child, own := cpu(b, s.PID()), cpu(b, os.Getpid())
			begun := time.Now()
			for b.Loop() {
				for range 5 {
					if err := r.player.Play(greeting("a")); err != nil {
						b.Fatal(err)
					}
				}
				for range 5 {
					expect[player.Begun](b, r, 5*time.Second)
					expect[player.Ended](b, r, 5*time.Second)
				}
			}
			took := time.Since(begun).Seconds()
			b.ReportMetric(100*(cpu(b, s.PID())-child)/took, "child_cpu_%")
			b.ReportMetric(100*(cpu(b, os.Getpid())-own)/took, "parent_cpu_%")
			b.ReportMetric(pss(b, s.PID()), "child_pss_MB")
			b.ReportMetric(pss(b, os.Getpid()), "parent_pss_MB")
			b.ReportMetric(s.Starved().Seconds()*1000, "starved_ms")
		})
	}
}

// cardProcess runs a card in a process of its own and returns its ALSA configuration.
func cardProcess(tb testing.TB, args ...string) string {
	tb.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--config-dir", tb.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), cardEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			tb.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			tb.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// BenchmarkStart tells how long it takes from Play to the first frame at the card, with
// the card idle, and from Stop to silence.
func BenchmarkStart(b *testing.B) {
	for _, driver := range append(drivers(b), "oto-told") {
		b.Run(driver, func(b *testing.B) {
			r := newRig(b, driver, cardtest.Config{})
			var start, stop time.Duration
			n := 0
			for b.Loop() {
				from := r.card.Taken()
				asked := time.Now()
				if err := r.player.Play(tone("a", time.Minute)); err != nil {
					b.Fatal(err)
				}
				expect[player.Begun](b, r, 5*time.Second)
				stopped := time.Now()
				r.player.Stop()
				expect[player.Ended](b, r, 5*time.Second)
				r.settle(b)
				rec := r.card.Recording()
				start += rec.At(rec.Sounding(from)).Sub(asked)
				stop += rec.At(rec.Last()).Sub(stopped)
				n++
			}
			b.ReportMetric(start.Seconds()*1000/float64(n), "start_ms")
			b.ReportMetric(stop.Seconds()*1000/float64(n), "stop_ms")
		})
	}
}

// cpu is the processor time that a process has used, in seconds.
func cpu(b *testing.B, pid int) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	total := 0.0
	for _, field := range fields[11:13] { // utime and stime, in hundredths
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += v
	}
	return total / 100
}

// pss is a process's proportional set size in MB.
func pss(b *testing.B, pid int) float64 {
	b.Helper()
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(rollup)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kb, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	b.Fatal("no Pss in smaps_rollup")
	return 0
}

// BenchmarkTogether starts a sound on two cards, each with a process of its own, at one
// instant, and tells how far apart the first frames were, and how far off the instant.
func BenchmarkTogether(b *testing.B) {
	for _, driver := range append(drivers(b), "oto-told") {
		b.Run(driver, func(b *testing.B) {
			rigs := []*rig{newRig(b, driver, cardtest.Config{PPM: 100}), newRig(b, driver, cardtest.Config{PPM: -100})}
			var apart, off []float64
			var lost [2]int64
			for b.Loop() {
				at := time.Now().Add(300 * time.Millisecond)
				var from [2]int64
				for i, r := range rigs {
					from[i] = r.card.Taken()
					track := tone("a", 300*time.Millisecond)
					track.StartAt = at
					if err := r.player.Play(track); err != nil {
						b.Fatal(err)
					}
				}
				var first [2]time.Time
				for i, r := range rigs {
					expect[player.Begun](b, r, 5*time.Second)
					expect[player.Ended](b, r, 5*time.Second)
					rec := r.card.Recording()
					first[i] = rec.At(rec.Sounding(from[i]))
					off = append(off, first[i].Sub(at).Abs().Seconds()*1000)
				}
				apart = append(apart, first[0].Sub(first[1]).Abs().Seconds()*1000)
				for i, r := range rigs {
					if off := first[i].Sub(at); off.Abs() > 2*time.Millisecond {
						b.Logf("card %d: %s off; %d frames of time lost", i, off, r.card.Recording().Lost-lost[i])
					}
					lost[i] = r.card.Recording().Lost
				}
			}
			slices.Sort(apart)
			slices.Sort(off)
			b.ReportMetric(apart[len(apart)/2], "apart_p50_ms")
			b.ReportMetric(apart[len(apart)*99/100], "apart_p99_ms")
			b.ReportMetric(off[len(off)/2], "off_p50_ms")
			b.ReportMetric(off[len(off)*99/100], "off_p99_ms")
		})
	}
}
