package hub

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/api"
)

// read returns what is there to hear at once.
func read(c <-chan api.Notice) (out []api.Notice) {
	for {
		select {
		case n := <-c:
			out = append(out, n)
		default:
			return out
		}
	}
}

func TestAStreamGoesOnAfterANumberAndMissesNothing(t *testing.T) {
	f := newFeed(time.Unix(1_000, 0))
	c, end := f.Watch(0)
	first := read(c)
	if len(first) != 1 || first[0].Kind != "now" || first[0].Seq != 1_000_000 {
		t.Fatalf("the first word: %+v", first)
	}
	f.tell("device", "a")
	f.tell("bulletin", "b")
	got := read(c)
	end()
	f.tell("airing", "c")
	f.tell("airing", "d")
	c, end = f.Watch(got[1].Seq)
	defer end()
	if again := read(c); len(again) != 2 || again[0].ID != "c" || again[1].Seq != got[1].Seq+2 {
		t.Errorf("after a break: %+v", again)
	}
}

func TestWhatCanNoLongerBeToldIsSaidToBeMissed(t *testing.T) {
	f := newFeed(time.Unix(1_000, 0))
	for range keptChanges + 10 {
		f.tell("device", "a")
	}
	for name, since := range map[string]int64{
		"of an earlier run":      999_000,
		"forgotten":              1_000_001,
		"more than fits at once": f.last - 1000,
		"of another hub":         f.last + 5,
	} {
		c, end := f.Watch(since)
		if got := read(c); len(got) != 1 || got[0].Kind != "missed" || got[0].Seq != f.last {
			t.Errorf("%s: %d words, the first %+v", name, len(got), got[0])
		}
		end()
	}
	// A restart goes on with higher numbers.
	if later := newFeed(time.Unix(1_010, 0)); later.last <= f.last {
		t.Errorf("%d after %d", later.last, f.last)
	}
}

func TestWhoDoesNotKeepUpIsToldSo(t *testing.T) {
	f := newFeed(time.Unix(1_000, 0))
	c, end := f.Watch(0)
	defer end()
	for range 300 {
		f.tell("device", "a")
	}
	missed := false
	for _, n := range read(c) {
		missed = missed || n.Kind == "missed"
	}
	if !missed {
		t.Error("changes were lost without a word")
	}
}
