package account

import (
	"strconv"
	"testing"
	"time"
)

func TestTriesOfOnePersonFromOneAddress(t *testing.T) {
	var l limiter
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	for i := range pairBurst {
		if !l.allow("soan", "192.0.2.1", now) {
			t.Fatalf("try %d refused", i)
		}
	}
	if l.allow("soan", "192.0.2.1", now.Add(pairEvery-time.Millisecond)) {
		t.Error("a sixth try before half a minute")
	}
	if !l.allow("soan", "192.0.2.2", now) {
		t.Error("the person is locked out elsewhere")
	}
	if !l.allow("duyet", "192.0.2.1", now) {
		t.Error("a colleague is locked out")
	}
	if !l.allow("soan", "192.0.2.1", now.Add(2*pairEvery)) {
		t.Error("still refused after a minute")
	}
}

func TestAddressAndPersonHaveLimitsOfTheirOwn(t *testing.T) {
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	count := func(n int, name func(i int) (person, address string)) (allowed int) {
		var l limiter
		for i := range n {
			if p, a := name(i); l.allow(p, a, now) {
				allowed++
			}
		}
		return allowed
	}
	if got := count(1000, func(i int) (string, string) { return strconv.Itoa(i), "192.0.2.1" }); got != addressBurst {
		t.Errorf("%d names from one address", got)
	}
	if got := count(1000, func(i int) (string, string) { return "soan", strconv.Itoa(i) }); got != personBurst {
		t.Errorf("one name from %d addresses", got)
	}
}

func TestSuccessGivesTheTryBack(t *testing.T) {
	var l limiter
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	for i := range 1000 {
		if !l.allow("soan", "192.0.2.1", now) {
			t.Fatalf("log-in %d refused", i)
		}
		l.succeeded("soan", "192.0.2.1")
	}
}

func TestStrangersCannotFillTheMemory(t *testing.T) {
	var l limiter
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	for i := range 3 * maxTracked {
		l.allow(strconv.Itoa(i), strconv.Itoa(i), now)
	}
	if len(l.counts) > maxTracked+3 {
		t.Errorf("%d counts", len(l.counts))
	}
}
