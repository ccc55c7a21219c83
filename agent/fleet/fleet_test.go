package fleet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

func stormy() Weather {
	return Weather{Kinds: Kinds(), Every: 20 * time.Second, For: 10 * time.Second, Until: time.Hour}
}

func TestTheSameSeedGivesTheSameWeather(t *testing.T) {
	first := stormy().Forecast(7, "loa-1")
	if diff := cmp.Diff(first, stormy().Forecast(7, "loa-1")); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, stormy().Forecast(8, "loa-1")) || cmp.Equal(first, stormy().Forecast(7, "loa-2")) {
		t.Error("another seed, or another device, has the same weather")
	}
	seen := map[Kind]int{}
	end := time.Duration(0)
	for _, f := range first {
		seen[f.Kind]++
		if f.At < end || f.For <= 0 || f.At >= time.Hour {
			t.Errorf("%+v begins before %s, or lasts no time, or begins too late", f, end)
		}
		end = f.At + f.For
	}
	if len(seen) != len(Kinds()) {
		t.Errorf("an hour has only %v", seen)
	}
	if n := len(first); n < 60 || n > 180 {
		t.Errorf("%d faults in an hour, expected about 120", n)
	}
}

func TestAnotherListOfKindsLeavesTheTimes(t *testing.T) {
	only := stormy()
	only.Kinds = []Kind{Cut}
	all, cuts := stormy().Forecast(7, "loa-1"), only.Forecast(7, "loa-1")
	for i := range min(len(all), len(cuts)) {
		if all[i].At != cuts[i].At || all[i].For != cuts[i].For {
			t.Fatalf("fault %d: %+v and %+v", i, all[i], cuts[i])
		}
	}
}

func TestKindsAreRefusedByName(t *testing.T) {
	if got, err := ParseKinds("cut, slow"); err != nil || !cmp.Equal(got, []Kind{Cut, Slow}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseKinds("cut,hail"); !errors.Is(err, ErrKind) || !strings.Contains(err.Error(), "hail") {
		t.Errorf("hail: %v", err)
	}
}

// piped is a line over pipes, and the ends that a hub would hold.
func piped(t *testing.T) (*line, <-chan net.Conn) {
	t.Helper()
	ends := make(chan net.Conn, 4)
	l := newLine(source(1, "loa-1"))
	l.dial = newPipes(ends)
	return l, ends
}

func TestALineCarriesAsItsFaultsSay(t *testing.T) {
	for name, tc := range map[string]struct {
		fault    Fault
		low, top time.Duration
	}{
		"fine":  {Fault{}, 0, 0},
		"delay": {Fault{Delay: time.Second}, time.Second, 3 * time.Second},
		"slow":  {Fault{Rate: 1000}, 2 * time.Second, 2100 * time.Millisecond},
		"loss":  {Fault{Loss: 0.9}, 200 * time.Millisecond, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, ends := piped(t)
				l.set(tc.fault)
				c, err := l.Dial(t.Context(), "tcp", "hub")
				if err != nil {
					t.Fatal(err)
				}
				hub := <-ends
				go func() { _, _ = hub.Write(make([]byte, 2000)) }() // the reader tells whether it came
				began := time.Now()
				if _, err := io.ReadFull(c, make([]byte, 2000)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < tc.low || took > tc.top {
					t.Errorf("2,000 bytes took %s, expected %s to %s", took, tc.low, tc.top)
				}
				closeAll(t, c, hub)
			})
		})
	}
}

func TestACutLineBreaksAndASilentOneSaysNothing(t *testing.T) {
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l, ends := piped(t)
			c, err := l.Dial(t.Context(), "tcp", "hub")
			if err != nil {
				t.Fatal(err)
			}
			hub := <-ends
			l.cut(silent)
			if _, err := l.Dial(t.Context(), "tcp", "hub"); !errors.Is(err, errNoLine) {
				t.Errorf("dialled without a line: %v", err)
			}
			if _, err := c.Write([]byte("x")); (err == nil) != silent {
				t.Errorf("silent %v: write says %v", silent, err)
			}
			go func() { _, _ = hub.Write([]byte("late")) }() // nobody hears it
			if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil && silent {
				t.Fatal(err)
			}
			began := time.Now()
			n, err := c.Read(make([]byte, 10))
			if n != 0 || err == nil || (time.Since(began) == time.Minute) != silent {
				t.Errorf("silent %v: read %d, %v after %s", silent, n, err, time.Since(began))
			}
			l.mend()
			again, err := l.Dial(t.Context(), "tcp", "hub")
			if err != nil {
				t.Fatal(err)
			}
			closeAll(t, c, again, hub, <-ends)
		})
	}
}

func TestAnOutputNotesWhatItDid(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 10, 0, time.UTC)
	job := func(id string) playout.Job {
		return playout.Job{
			ID: id, Airing: protocol.Airing{ID: "lp-" + protocol.AiringID(id)}, Key: schedule.Key{Start: start}, Begin: start, Length: 20 * time.Second,
		}
	}
	synctest.Test(t, func(t *testing.T) {
		j := NewJournal(nil)
		o := newOutput("bang-1", protocol.MediumBoard, nil, j)
		for _, id := range []string{"whole", "cut", "power"} {
			if err := o.Begin(job(id)); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if e := <-o.Events(); e.Kind != playout.Begun || !e.At.Equal(start) {
				t.Errorf("%+v, want a beginning at %s", e, start)
			}
		}
		o.Cut("cut")
		if e := <-o.Events(); e.Job != "cut" || e.Whole {
			t.Errorf("cut: %+v", e)
		}
		o.Cut("power") // it is told, but not noted: that comes too late
		<-o.Events()
		if e := <-o.Events(); e.Job != "whole" || !e.Whole || e.At.Sub(start) != 20*time.Second {
			t.Errorf("whole: %+v", e)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		deeds, err := j.Deeds()
		if err != nil {
			t.Fatal(err)
		}
		key := Key{Device: "bang-1", Medium: "board", Airing: "lp-whole", Start: start.UnixMilli()}
		if d := deeds[key]; d != (Deed{Begun: 1, Whole: 1}) {
			t.Errorf("whole: %+v", d)
		}
	})
}

func TestWithoutPowerNothingIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		o := newOutput("bang-1", protocol.MediumBoard, nil, NewJournal(&file))
		if err := o.Begin(playout.Job{ID: "a", Airing: protocol.Airing{ID: "lp-1"}, Key: schedule.Key{Start: time.Now()}, Soon: true, Length: time.Minute}); err != nil {
			t.Fatal(err)
		}
		<-o.Events()
		o.cutPower()
		time.Sleep(2 * time.Minute)
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		again := NewJournal(nil)
		if err := again.Read(io.MultiReader(&file, strings.NewReader(`{"device":"torn`))); err != nil {
			t.Fatal(err)
		}
		deeds, err := again.Deeds()
		if err != nil || len(deeds) != 1 {
			t.Fatalf("%v, %v", deeds, err)
		}
		for _, d := range deeds {
			if d != (Deed{Begun: 1, Open: true}) {
				t.Errorf("%+v, want one that began and whose end nobody saw", d)
			}
		}
	})
}

func TestAReportTellsEveryDifference(t *testing.T) {
	key := func(device protocol.DeviceID) Key {
		return Key{Device: device, Medium: "sound", Airing: "lp-1", Start: 1000}
	}
	whole := Deed{Begun: 1, Whole: 1, Frames: 48000}
	for name, tc := range map[string]struct {
		said  []Said
		truth map[Key]Deed
		want  string
	}{
		"played":            {[]Said{{Key: key("a"), Outcome: "played", Frames: 48000}}, map[Key]Deed{key("a"): whole}, ""},
		"skipped":           {[]Said{{Key: key("a"), Outcome: "skipped"}}, nil, ""},
		"cut":               {[]Said{{Key: key("a"), Outcome: "cut"}}, map[Key]Deed{key("a"): {Begun: 1}}, ""},
		"ahead":             {[]Said{{Key: key("a"), Outcome: "ahead"}}, nil, ""},
		"not expected":      {nil, map[Key]Deed{key("a"): whole}, "lost"},
		"no receipt":        {[]Said{{Key: key("a"), Outcome: "unknown"}}, map[Key]Deed{key("a"): whole}, "lost"},
		"record lost":       {[]Said{{Key: key("a"), Outcome: "lost"}}, map[Key]Deed{key("a"): whole}, "lost"},
		"played twice":      {[]Said{{Key: key("a"), Outcome: "played"}}, map[Key]Deed{key("a"): {Begun: 2, Whole: 2}}, "twice"},
		"counted twice":     {[]Said{{Key: key("a"), Outcome: "skipped"}, {Key: key("a"), Outcome: "skipped"}}, nil, "twice"},
		"never whole":       {[]Said{{Key: key("a"), Outcome: "played"}}, map[Key]Deed{key("a"): {Begun: 1}}, "wrong"},
		"never begun":       {[]Said{{Key: key("a"), Outcome: "cut"}}, nil, "wrong"},
		"said to be silent": {[]Said{{Key: key("a"), Outcome: "skipped"}}, map[Key]Deed{key("a"): whole}, "wrong"},
		"too many frames":   {[]Said{{Key: key("a"), Outcome: "played", Frames: 48001}}, map[Key]Deed{key("a"): whole}, "wrong"},
		"nobody knows":      {[]Said{{Key: key("a"), Outcome: "unknown"}}, nil, "unknown"},
		"late":              {[]Said{{Key: key("a"), Outcome: "ahead"}}, map[Key]Deed{key("a"): whole}, "unknown"},
		"power cut":         {[]Said{{Key: key("a"), Outcome: "cut"}}, map[Key]Deed{key("a"): whole}, "less"},
	} {
		r := Compare(tc.said, tc.truth)
		for kind, f := range map[string]Findings{"lost": r.Lost, "twice": r.Twice, "wrong": r.Wrong, "unknown": r.Unknown, "less": r.Less} {
			want := 0
			if kind == tc.want {
				want = 1
			}
			if f.Count != want {
				t.Errorf("%s: %d %s, want %d", name, f.Count, kind, want)
			}
		}
		if good := tc.want == "" || tc.want == "less"; r.Good() != good {
			t.Errorf("%s: good is %v", name, r.Good())
		}
	}
}

func TestAReportNamesItsSeed(t *testing.T) {
	r := Compare([]Said{{Key: Key{Device: "loa-1"}, Outcome: "unknown"}}, nil)
	r.Seed, r.Devices, r.Faults = 99, 1, map[Kind]int{Cut: 3}
	var text, object bytes.Buffer
	if err := errors.Join(r.Text(&text), r.JSON(&object)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"seed 99, 1 devices, 3 cut", "unknown              1", "loa-1"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	if !strings.Contains(object.String(), `"seed": 99`) {
		t.Errorf("the object lacks the seed:\n%s", object.String())
	}
}
