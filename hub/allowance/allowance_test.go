package allowance

import (
	"fmt"
	"testing"
	"time"
)

func TestEachHasItsOwn(t *testing.T) {
	now := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	a := New(1, 3)
	take := func(name string) (n int) {
		for a.Take(name, now) {
			n++
		}
		return n
	}
	if n := take("loa-1"); n != 3 {
		t.Errorf("%d at once, want 3", n)
	}
	if n := take("loa-2"); n != 3 {
		t.Errorf("another has %d, want 3", n)
	}
	if now = now.Add(2 * time.Second); take("loa-1") != 2 {
		t.Error("after 2 s there are not 2 again")
	}
	if now = now.Add(time.Hour); take("loa-1") != 3 {
		t.Error("after an hour there are not 3 again")
	}
}

// Names come from strangers: what is kept of them is bounded, and whoever has used up
// theirs gains nothing while others come and go.
func TestWhatIsKeptIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	a := New(1, 1)
	if !a.Take("flooder", now.Add(time.Second)) {
		t.Fatal("the first was refused")
	}
	for i := range most + 10 { // looked at, but not used
		a.Of(fmt.Sprint(i), now)
	}
	if len(a.of) > most || a.Take("flooder", now.Add(time.Second)) {
		t.Errorf("%d kept, or the flooder has another burst", len(a.of))
	}
	for i := range 2 * most {
		a.Take(fmt.Sprint("stranger ", i), now)
	}
	if len(a.of) > most {
		t.Errorf("%d kept, at most %d", len(a.of), most)
	}
}
