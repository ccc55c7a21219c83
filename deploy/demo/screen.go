package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Columns of the table, of its titles and of a device.
const (
	titleWidth  = 34
	deviceWidth = 15
	tableWidth  = titleWidth + 5*deviceWidth
)

// screen is the terminal: lines that say what happens and, at its bottom, a table
// that follows it. Where there is no terminal the table is printed when asked.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	live  bool // a terminal, whose table can be drawn over
	begun time.Time
	drawn int // lines of the table at the bottom
	table []string
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, begun: time.Now()}
	if f, ok := out.(*os.File); ok {
		// In a narrow one the table's lines would break.
		columns, _, err := term.GetSize(int(f.Fd()))
		s.live = err == nil && columns >= tableWidth && os.Getenv("TERM") != "dumb"
	}
	return s
}

// say prints a line in both languages, with the seconds of the run before it.
func (s *screen) say(vi, en string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	fmt.Fprintf(s.out, "%6.1fs  %s  /  %s\n", time.Since(s.begun).Seconds(), vi, en)
	s.draw()
}

// title begins a part of the story.
func (s *screen) title(vi, en string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	fmt.Fprintf(s.out, "\n── %s / %s\n", vi, en)
	s.draw()
}

// text prints lines as they are.
func (s *screen) text(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	for _, l := range lines {
		fmt.Fprintln(s.out, l)
	}
	s.draw()
}

// follow replaces the table.
func (s *screen) follow(table []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = table
	if s.live {
		s.erase()
		s.draw()
	}
}

// show prints the table once, where it is not always there.
func (s *screen) show() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		return
	}
	for _, l := range s.table {
		fmt.Fprintln(s.out, l)
	}
}

// leave takes the table away; what is said afterwards stands alone.
func (s *screen) leave() {
	s.follow(nil)
}

func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
	}
	s.drawn = 0
}

func (s *screen) draw() {
	if !s.live {
		return
	}
	for _, l := range s.table {
		fmt.Fprintln(s.out, l)
	}
	s.drawn = len(s.table)
}

// progress is what is known of one bulletin on one device.
type progress struct{ sound, board string }

// sign is one occurrence in the table.
func sign(outcome string) string {
	switch outcome {
	case "played":
		return "✔"
	case "cut":
		return "✂"
	case "skipped", "lost":
		return "✘"
	case "on":
		return "▶"
	case "":
		return " "
	default:
		return "·"
	}
}

// grid draws bulletins over devices: each cell holds the sound's sign and the
// board's.
func grid(devices []deviceBody, titles []string, cells map[string]map[string]progress) []string {
	var head, state strings.Builder
	for _, d := range devices {
		head.WriteString(pad(d.ID, deviceWidth))
		on := "mất mạng/off"
		if d.State == "online" {
			on = "trực tuyến/on"
		}
		state.WriteString(pad(on, deviceWidth))
	}
	lines := []string{pad("", titleWidth) + head.String(), pad("", titleWidth) + state.String()}
	for _, t := range titles {
		var row strings.Builder
		for _, d := range devices {
			p := cells[t][d.ID]
			row.WriteString(pad(sign(p.sound)+" "+sign(p.board), deviceWidth))
		}
		lines = append(lines, pad(t, titleWidth)+row.String())
	}
	return lines
}

// pad fills up to n columns, or cuts.
func pad(s string, n int) string {
	r := []rune(s)
	if len(r) >= n {
		return string(r[:n-1]) + " "
	}
	return s + strings.Repeat(" ", n-len(r))
}
