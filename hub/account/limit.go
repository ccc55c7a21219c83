package account

import (
	"sync"
	"time"
)

// Limits of tries to log in. A person from one address has five at once; the
// person and the address as such have more, so that a stranger who tries a
// person's name elsewhere doesn't lock that person out.
const (
	pairBurst    = 5
	pairEvery    = 30 * time.Second
	personBurst  = 50
	personEvery  = 10 * time.Second
	addressBurst = 30
	addressEvery = 2 * time.Second
	// maxTracked bounds the memory that strangers can use up.
	maxTracked = 20_000
)

// bucket holds tries that are left; they come back one by one.
type bucket struct {
	left  float64
	at    time.Time
	every time.Duration
	burst float64
}

// fill adds the tries that came back until now.
func (b *bucket) fill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(b.burst, b.left+float64(d)/float64(b.every))
		b.at = now
	}
}

// limiter counts tries under names. It is safe for concurrent use.
type limiter struct {
	mu     sync.Mutex
	counts map[string]*bucket
}

// keys are the names under which a try counts.
func keys(person, address string) (ofAddress, ofPair, ofPerson string) {
	return "a" + address, "b" + person + "\x00" + address, "p" + person
}

// allow takes one try of a person from an address; false means too many.
func (l *limiter) allow(person, address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]*bucket{}
	}
	if len(l.counts) > maxTracked {
		l.forget(now)
	}
	// An address that is over its limit can't use up a person's tries.
	ofAddress, ofPair, ofPerson := keys(person, address)
	return l.take(ofAddress, addressEvery, addressBurst, now) && l.take(ofPair, pairEvery, pairBurst, now) &&
		l.take(ofPerson, personEvery, personBurst, now)
}

func (l *limiter) take(key string, every time.Duration, burst float64, now time.Time) bool {
	b, ok := l.counts[key]
	if !ok {
		b = &bucket{left: burst, at: now, every: every, burst: burst}
		l.counts[key] = b
	}
	b.fill(now)
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// succeeded gives the try back: only failures count.
func (l *limiter) succeeded(person, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ofAddress, ofPair, ofPerson := keys(person, address)
	delete(l.counts, ofPair)
	for _, k := range []string{ofAddress, ofPerson} {
		if b, ok := l.counts[k]; ok {
			b.left = min(b.burst, b.left+1)
		}
	}
}

// forget drops counts that are full again, and all if that is not enough.
func (l *limiter) forget(now time.Time) {
	for k, b := range l.counts {
		if b.fill(now); b.left >= b.burst {
			delete(l.counts, k)
		}
	}
	if len(l.counts) > maxTracked {
		clear(l.counts)
	}
}
