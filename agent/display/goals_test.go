//go:build linux

package display_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol/page"
)

// figure is one line for deploy/bench.
type figure struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Limit *float64 `json:"limit"`
	Ratio *float64 `json:"ratio"`
	Goal  string   `json:"goal"`
	OK    bool     `json:"ok"`
}

func under(b *testing.B, name string, value, goal float64, unit string, bare *float64) {
	b.Helper()
	f := figure{Name: name, Value: float64(int64(value*1000+0.5)) / 1000, Unit: unit, Limit: bare, Goal: fmt.Sprintf("< %g %s", goal, unit), OK: value < goal}
	if bare != nil && *bare > 0 {
		r := value / *bare
		f.Ratio = &r
	}
	line, err := json.Marshal(f)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%s\n", line)
}

// p99 is the 99th percentile in ms.
func p99(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)*99/100].Microseconds()) / 1000
}

// bare is a loop that does nothing but sleep by the same timer at the same rate: its
// jitter and its share of a core, in per cent, are what this machine allows at this moment.
func bare(b *testing.B, rate int, span time.Duration) (jitter, core float64) {
	b.Helper()
	a, err := display.NewAlarm()
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	step := time.Second / time.Duration(rate)
	begin, cpu := time.Now(), used(b)
	last := begin
	var off []time.Duration
	for n := 1; time.Since(begin) < span; n++ {
		a.Sleep(time.Until(begin.Add(time.Duration(n) * step)))
		now := time.Now()
		off = append(off, (now.Sub(last) - step).Abs())
		last = now
	}
	return p99(off), 100 * float64(used(b)-cpu) / float64(time.Since(begin))
}

// BenchmarkGoalBoards measures issue 9's figures of the compositor in real time,
// through a framebuffer in a file.
func BenchmarkGoalBoards(b *testing.B) {
	const span = 8 * time.Second
	for _, x := range []struct {
		name  string
		board page.Board
		kind  page.Kind
		core  float64 // per cent
	}{
		{"192x32 ticker at 60", page.Board{Width: 192, Height: 32, Row: 16}, page.TwoLine, 1},
		{"1920x1080 ticker at 30", page.Board{Width: 1920, Height: 1080, Row: 96}, page.Ticker, 5},
	} {
		pages, _, err := page.Compose(x.board, page.Text{Kind: x.kind, Title: "Thông báo", Body: "Xã Bình An\nMời bà con đến nhà văn hóa thôn lúc 19:30 tối nay để họp về vệ sinh đường làng."})
		if err != nil || pages[0].Crawl == nil {
			b.Fatal(err)
		}
		rate := pages[0].Crawl.Rate
		jitter, core := bare(b, rate, span/2)
		out := memory(b, x.board.Width, x.board.Height)
		out.at = make([]time.Time, 0, 1000)
		board, err := display.New(display.Config{Output: out, Steady: true, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		if err := board.Show(display.Job{ID: "a", Pages: pages}); err != nil {
			b.Fatal(err)
		}
		<-board.Events() // begun: what is drawn once has been drawn
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		from, cpu := time.Now(), used(b)
		time.Sleep(span)
		spent, took := used(b)-cpu, time.Since(from)
		runtime.ReadMemStats(&after)
		out.mu.Lock()
		at := slices.DeleteFunc(slices.Clone(out.at), func(t time.Time) bool { return t.Before(from) })
		out.mu.Unlock()
		if err := board.Close(); err != nil {
			b.Fatal(err)
		}
		var off []time.Duration
		for i := 1; i < len(at); i++ {
			off = append(off, (at[i].Sub(at[i-1]) - time.Second/time.Duration(rate)).Abs())
		}
		if len(off) < rate {
			b.Fatalf("%s: %d frames in %v", x.name, len(at), took)
		}
		under(b, x.name+": processor, beside a bare timer", 100*float64(spent)/float64(took), x.core, "% of a core", &core)
		under(b, x.name+": jitter p99, beside a bare timer", p99(off), 4, "ms", &jitter)
		under(b, x.name+": allocations a frame", float64(after.Mallocs-before.Mallocs)/float64(len(at)), 0.5, "", nil)
	}
	under(b, "alert to pixels of 1920x1080, p99", alerts(b, 40), 300, "ms", nil)
}
