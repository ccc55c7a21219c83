// Command bench measures Loa's own promises with its real programs on this
// machine: how long from approval to sound and to pixels, what agent and hub need.
// It prints one JSON object a line and then a table. It drives programs and the
// API as a person would, and decides nothing about what is good but the limits.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// result is one figure. Limit is what bare programs need in the same run, null
// for an absolute figure.
type result struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Limit *float64 `json:"limit"`
	Ratio *float64 `json:"ratio"`
	Goal  string   `json:"goal"`
	OK    bool     `json:"ok"`
}

// under is a figure that must stay under a goal.
func under(name string, value, goal float64, unit string) result {
	return result{Name: name, Value: round(value), Unit: unit, Goal: fmt.Sprintf("< %g %s", goal, unit), OK: value < goal}
}

func round(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }

func main() {
	bin := flag.String("bin", "bin", "folder of loa-hub and loa-agent")
	only := flag.String("only", "", "parts to measure, with commas; all if empty")
	devices := flag.String("devices", "", "sizes of fleets, with commas: 1000,5000,10000; each part's own if empty")
	rounds := flag.Int("rounds", 7, "how often approval to sound is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := os.Setenv("LOA_BENCH_DEVICES", *devices) // read by the benchmarks of packages
	if err == nil {
		err = run(ctx, *bin, *only, *rounds, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is a group of figures that can be asked for alone.
type part struct {
	name    string
	measure func(ctx context.Context, w *world, rounds int) ([]result, error)
}

// parts are all of them, in the order in which they run.
func parts() []part {
	return []part{
		{"sizes", sizes},
		{"console", console},
		{"reading", reading},
		{"sound", sound},
		{"boards", both(growth, both(boards, goal("./agent/display", "BenchmarkGoalBoards")))},
		{"playing", playing},
		{"stopping", stopping},
		{"alerts", alerts},
		{"together", together},
		{"drift", both(goal("./agent/player/speaker", "BenchmarkGoalDriftHour"), goal("./agent/player/speaker", "BenchmarkGoalDrift"))},
		{"clock", goal("./hub/e2e", "BenchmarkGoalClock")},
		{"restart", restart},
		{"schedules", schedules},
		{"studio", studio},
		{"trust", trusting},
		{"enrolment", enrolment},
		{"fanout", goal("./hub/broker", "BenchmarkGoalFanOut")},
		{"takeover", goal("./hub/broker", "BenchmarkGoalTakeOver")},
		{"memory", goal("./hub/broker", "BenchmarkGoalMemory")},
		{"receipts", goal("./hub/e2e", "BenchmarkGoalReceipts")},
		{"verify", both(goal("./hub/e2e", "BenchmarkGoalVerify"), goal("./hub/store", "BenchmarkGoalRecent"))},
		{"return", goal("./hub/e2e", "BenchmarkGoalReturn")},
		{"transfer", goal("./hub/e2e", "BenchmarkGoalTransfer")},
		{"slowline", goal("./hub/e2e", "BenchmarkGoalSlowLine")},
		{"badpeers", goal("./hub/e2e", "BenchmarkGoalBadPeers")},
		{"month", goal("./hub/e2e", "BenchmarkGoalMonth")},
	}
}

// choose returns the parts named, with commas; "" means all.
func choose(names string) ([]part, error) {
	all := parts()
	if names == "" {
		return all, nil
	}
	var out []part
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == name })
		if i < 0 {
			var known []string
			for _, p := range all {
				known = append(known, p.name)
			}
			return nil, fmt.Errorf("no part %q; there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

func run(ctx context.Context, bin, only string, rounds int, out io.Writer) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "loa-bench-")
	if err != nil {
		return err
	}
	w := &world{bin: bin, dir: dir}
	defer func() {
		w.stop()
		if err == nil {
			err = os.RemoveAll(dir)
		} else {
			err = fmt.Errorf("%w (logs in %s)", err, dir)
		}
	}()
	if err := w.start(ctx); err != nil {
		return err
	}
	var results []result
	for _, p := range chosen {
		rs, err := p.measure(ctx, w, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		results = append(results, rs...)
		for _, r := range rs {
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s\n", line)
		}
	}
	return table(out, results)
}

func table(out io.Writer, results []result) error {
	var bad []string
	fmt.Fprintf(out, "\n%-46s %12s %-8s %-16s\n", "what", "measured", "", "goal")
	for _, r := range results {
		mark := "ok"
		if !r.OK {
			mark = "MISSED"
			bad = append(bad, r.Name)
		}
		fmt.Fprintf(out, "%-46s %12.3f %-8s %-16s %s\n", r.Name, r.Value, r.Unit, r.Goal, mark)
	}
	if len(bad) > 0 {
		return errors.New("missed: " + strings.Join(bad, ", "))
	}
	return nil
}

// sizes are of the stripped programs.
func sizes(_ context.Context, w *world, _ int) ([]result, error) {
	info, err := os.Stat(filepath.Join(w.bin, "loa-agent"))
	if err != nil {
		return nil, err
	}
	return []result{under("agent: stripped binary", float64(info.Size())/1e6, 20, "MB")}, nil
}

// sound measures from the approval of a 60-second bulletin to the first frame at
// each of five cards, one of them real ALSA.
func sound(ctx context.Context, w *world, rounds int) ([]result, error) {
	id, err := w.bulletin(ctx, longText, "", true)
	if err != nil {
		return nil, err
	}
	var whole, approve, deliver, begin []float64
	for i := range rounds {
		id, err := w.again(ctx, id, i)
		if err != nil {
			return nil, err
		}
		from := time.Now()
		airing, took, err := w.approve(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, d := range w.speakers() {
			on, frame, err := d.began(ctx, airing, "sound")
			if err != nil {
				return nil, err
			}
			whole = append(whole, ms(frame.Sub(from)))
			approve = append(approve, ms(took))
			deliver = append(deliver, ms(on.Sub(from.Add(took))))
			begin = append(begin, ms(frame.Sub(on)))
		}
		if err := w.silence(ctx, airing); err != nil {
			return nil, err
		}
	}
	return []result{
		under("approval to first frame, 60 s bulletin, median", median(whole), 1500, "ms"),
		under("approval to first frame, worst of all", slices.Max(whole), 3000, "ms"),
		under("  share: sign, air, plan (answer to approver)", median(approve), 1500, "ms"),
		under("  share: deliver, and wait for the start", median(deliver), 1500, "ms"),
		under("  share: card begins", median(begin), 1500, "ms"),
	}, nil
}

// boards measures from the approval of a text to its pixels.
func boards(ctx context.Context, w *world, rounds int) ([]result, error) {
	var whole []float64
	for i := range rounds {
		id, err := w.bulletin(ctx, "", fmt.Sprintf("Họp thôn lúc 7h30, lần %d", i+1), false)
		if err != nil {
			return nil, err
		}
		from := time.Now()
		airing, _, err := w.approve(ctx, id)
		if err != nil {
			return nil, err
		}
		_, frame, err := w.board().began(ctx, airing, "board")
		if err != nil {
			return nil, err
		}
		whole = append(whole, ms(frame.Sub(from)))
		if err := w.silence(ctx, airing); err != nil {
			return nil, err
		}
	}
	return []result{under("approval to pixels of a notice, median", median(whole), 1000, "ms")}, nil
}

// playingFor is how long playing is measured, in seconds; the bulletin is a little longer.
const playingFor = 45

// playing measures an agent with its real sound card while it plays.
func playing(ctx context.Context, w *world, rounds int) ([]result, error) {
	id, err := w.bulletin(ctx, longText, "", true)
	if err != nil {
		return nil, err
	}
	airing, _, err := w.approve(ctx, id)
	if err != nil {
		return nil, err
	}
	d := w.speakers()[0]
	if _, _, err := d.began(ctx, airing, "sound"); err != nil {
		return nil, err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return nil, err
	}
	before, err := cpu(d.pid())
	if err != nil {
		return nil, err
	}
	from := time.Now()
	var memory float64
	for range playingFor {
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
		pss, err := pss(d.pid())
		if err != nil {
			return nil, err
		}
		memory = max(memory, pss)
	}
	after, err := cpu(d.pid())
	if err != nil {
		return nil, err
	}
	share := 100 * (after - before).Seconds() / time.Since(from).Seconds()
	return []result{
		under("agent: memory while playing, PSS with child", memory, 25, "MB"),
		under("agent: processor while playing, with child", share, 3, "%"),
	}, w.silence(ctx, airing)
}

// restart measures the hub idle, and how soon it serves again.
func restart(ctx context.Context, w *world, rounds int) ([]result, error) {
	var again []float64
	for range rounds {
		if err := w.hub.end(); err != nil {
			return nil, err
		}
		from := time.Now()
		if err := w.serve(ctx); err != nil {
			return nil, err
		}
		again = append(again, ms(time.Since(from)))
	}
	if err := pause(ctx, 10*time.Second); err != nil {
		return nil, err
	}
	idle, err := pss(w.hub.pid())
	if err != nil {
		return nil, err
	}
	return []result{
		under("hub: serving again after a restart, median", median(again), 1000, "ms"),
		under("hub: memory idle with five devices, PSS", idle, 80, "MB"),
	}, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
