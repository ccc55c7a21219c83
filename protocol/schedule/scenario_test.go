package schedule

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected parts of scenarios and vectors")

// Scenarios are texts: a plan, what happens, and after "=" what is expected. A
// time is a local one of the scenario's day, "05:00:00.001", or of a later day,
// "1+05:00:00"; see testdata/README.md.
type scenario struct {
	title string
	text  []string // its lines without the expected ones
	want  []string
	zone  *time.Location
	day   LocalTime
	file  map[string]any // the input of Timeline
}

// vector is a scenario as other implementations can read it.
type vector struct {
	Title string            `json:"title"`
	Input json.RawMessage   `json:"input"`
	Lines []json.RawMessage `json:"lines"`
}

const vectorFolder = "../../testdata/schedule"

// TestScenarios runs every script of testdata; each title cites its rule.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head, scenarios := splitScenarios(string(text))
		out := head
		var vectors []vector
		for _, s := range scenarios {
			t.Run(filepath.Base(name)+"/"+s.title, func(t *testing.T) {
				v, got := s.run(t)
				vectors = append(vectors, v)
				if diff := cmp.Diff(s.want, got); diff != "" && !*update {
					t.Errorf("expected against what came\n%s", diff)
				}
				s.want = got
			})
			out += s.String()
		}
		if *update {
			writeFile(t, name, []byte(out))
			writeVectors(t, strings.TrimSuffix(filepath.Base(name), ".txt"), vectors)
		}
	}
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeVectors(t *testing.T, topic string, v []vector) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(vectorFolder, "timeline-"+topic+".json"), b.Bytes())
}

// splitScenarios takes a file apart; head is what stands before the first one.
func splitScenarios(text string) (head string, all []*scenario) {
	parts := strings.Split("\n"+text, "\nscenario ")
	head = strings.TrimPrefix(parts[0], "\n") + "\n"
	for _, p := range parts[1:] {
		lines := strings.Split(strings.TrimRight(p, "\n"), "\n")
		s := &scenario{title: lines[0]}
		expected := false
		for _, l := range lines[1:] {
			switch {
			case l == "=":
				expected = true
			case expected:
				s.want = append(s.want, l)
			default:
				s.text = append(s.text, l)
			}
		}
		all = append(all, s)
	}
	return head, all
}

func (s *scenario) String() string {
	out := "scenario " + s.title + "\n" + strings.Join(s.text, "\n") + "\n=\n"
	for _, l := range s.want {
		out += l + "\n"
	}
	return out + "\n"
}

// run takes the scenario through Timeline.
func (s *scenario) run(t *testing.T) (vector, []string) {
	t.Helper()
	s.read(t)
	input, err := json.Marshal(s.file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Timeline(input)
	if err != nil {
		t.Fatalf("%v\n%s", err, input)
	}
	v := vector{Title: s.title, Input: input, Lines: []json.RawMessage{}}
	var got []string
	for _, l := range lines {
		v.Lines = append(v.Lines, l)
		got = append(got, s.short(t, l))
	}
	reference, err := refTimeline(input)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, l := range lines {
		have = append(have, string(l))
	}
	if diff := cmp.Diff(reference, have); diff != "" {
		t.Errorf("reference against machine\n%s", diff)
	}
	return v, got
}

// short writes a line of Timeline as scenarios have it.
func (s *scenario) short(t *testing.T, line []byte) string {
	t.Helper()
	var l struct {
		Airing, Outcome, Reason string
		Start                   time.Time
		Plays                   [][2]time.Time
	}
	if err := json.Unmarshal(line, &l); err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%s %s %s", l.Airing, s.clock(l.Start), l.Outcome)
	if l.Reason != "" {
		out += " (" + l.Reason + ")"
	}
	for _, p := range l.Plays {
		out += " " + s.clock(p[0]) + "-" + s.clock(p[1])
	}
	return out
}

// clock writes an instant; outside Viet Nam with its offset, which may change.
func (s *scenario) clock(t time.Time) string {
	t = t.In(s.zone)
	days := dayNumber(t.Year(), t.Month(), t.Day()) - dayNumber(s.day.Year, s.day.Month, s.day.Day)
	out := t.Format("15:04:05.000")
	out = strings.TrimSuffix(out, ".000")
	if days != 0 {
		out = fmt.Sprintf("%d+%s", days, out)
	}
	if s.zone.String() != "Asia/Ho_Chi_Minh" {
		out += t.Format("[-07:00]")
	}
	return out
}

// local reads "05:00:00" or "1+05:00:00" into a local time; ms are returned apart.
func (s *scenario) local(t *testing.T, text string) (LocalTime, int) {
	t.Helper()
	days, clock, later := strings.Cut(text, "+")
	if !later {
		days, clock = "0", text
	}
	clock, fraction, _ := strings.Cut(clock, ".")
	n, err1 := strconv.Atoi(days)
	ms, err2 := strconv.Atoi(fraction + "000"[:3-len(fraction)])
	at, err3 := time.Parse(time.TimeOnly, clock)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatalf("%q is no time", text)
	}
	d := time.Date(s.day.Year, s.day.Month, s.day.Day+n, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	return LocalTimeOf(d), ms
}

// instant reads a local time, or RFC 3339 where that is not enough.
func (s *scenario) instant(t *testing.T, text string) string {
	t.Helper()
	if strings.Contains(text, "T") {
		return text
	}
	l, ms := s.local(t, text)
	return l.In(s.zone).Add(time.Duration(ms) * time.Millisecond).Format(lineTime)
}

func (s *scenario) read(t *testing.T) {
	t.Helper()
	var err error
	if s.zone, err = time.LoadLocation("Asia/Ho_Chi_Minh"); err != nil {
		t.Fatal(err)
	}
	s.day = LocalTime{2026, 12, 1, 0, 0, 0}
	airings, events, quiet := []any{}, []any{}, []any{}
	from, to := "00:00:00", "1+00:00:00"
	s.file = map[string]any{"path": []string{"tinh", "xa"}}
	for _, line := range s.text {
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		switch w[0] {
		case "cites": // a sentence of SCHEDULE.md; see TestEverySentenceIsShown
		case "zone":
			if s.zone, err = time.LoadLocation(w[1]); err != nil {
				t.Fatal(err)
			}
		case "day":
			d, err := time.Parse(time.DateOnly, w[1])
			if err != nil {
				t.Fatal(err)
			}
			s.day = LocalTimeOf(d)
		case "path":
			s.file["path"] = w[1:]
		case "from":
			from = w[1]
		case "to":
			to = w[1]
		case "quiet":
			start, end, _ := strings.Cut(w[2], "-")
			quiet = append(quiet, map[string]any{"unit": w[1], "start": start, "end": end})
		case "airing":
			airings = append(airings, s.airing(t, w[1:]))
		default:
			events = append(events, s.event(t, w))
		}
	}
	s.file["zone"] = s.zone.String()
	s.file["from"], s.file["to"] = s.instant(t, from), s.instant(t, to)
	s.file["airings"], s.file["events"], s.file["quiet_hours"] = airings, events, quiet
}

// airing reads "id unit class start length key=value...".
func (s *scenario) airing(t *testing.T, w []string) map[string]any {
	t.Helper()
	start, _ := s.local(t, w[3])
	a := map[string]any{
		"id": w[0], "unit": w[1], "class": w[2], "start": start, "length": milliseconds(t, w[4]),
		"approved": s.instant(t, "-1+08:00:00"), "published": s.instant(t, "-1+09:00:00"),
	}
	for _, pair := range w[5:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "lateness", "every":
			a[key] = milliseconds(t, value)
		case "order", "passes":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			a[key] = n
		case "approved", "published", "arrives", "until":
			a[key] = s.instant(t, value)
		case "night", "drill":
			a[key] = true
		case "exdates", "rdates":
			var list []LocalTime
			for v := range strings.SplitSeq(value, ",") {
				l, _ := s.local(t, v)
				list = append(list, l)
			}
			a[key] = list
		default:
			a[key] = value
		}
	}
	return a
}

// event reads "time do [airing] [key=value]".
func (s *scenario) event(t *testing.T, w []string) map[string]any {
	t.Helper()
	e := map[string]any{"at": s.instant(t, w[0]), "do": w[1]}
	for _, word := range w[2:] {
		key, value, pair := strings.Cut(word, "=")
		switch {
		case !pair:
			e["airing"] = word
		case key == "start":
			e[key] = s.instant(t, value)
		default:
			e[key] = value
		}
	}
	return e
}

func milliseconds(t *testing.T, text string) int64 {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d.Milliseconds()
}

// LocalTimeOf returns the date and time of day that clocks of t's zone show at
// t; fractions of a second are dropped.
func LocalTimeOf(t time.Time) LocalTime {
	y, m, d := t.Date()
	return LocalTime{y, m, d, t.Hour(), t.Minute(), t.Second()}
}
