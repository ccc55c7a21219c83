package account

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
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

// limiter counts tries under names. It is safe for concurrent use.
type limiter struct {
	mu     sync.Mutex
	counts map[string]*rate.Limiter
}

// allow takes one try of a person from an address; false means too many.
func (l *limiter) allow(person, address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]*rate.Limiter{}
	}
	if len(l.counts) > maxTracked {
		l.forget(now)
	}
	// An address that is over its limit can't use up a person's tries.
	return l.take("a"+address, addressEvery, addressBurst, now) &&
		l.take("b"+person+"\x00"+address, pairEvery, pairBurst, now) &&
		l.take("p"+person, personEvery, personBurst, now)
}

func (l *limiter) take(key string, every time.Duration, burst int, now time.Time) bool {
	r, ok := l.counts[key]
	if !ok {
		r = rate.NewLimiter(rate.Every(every), burst)
		l.counts[key] = r
	}
	return r.AllowN(now, 1)
}

// succeeded gives a person back the tries from an address.
func (l *limiter) succeeded(person, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.counts, "b"+person+"\x00"+address)
}

// forget drops counts that are full again, and all if that is not enough.
func (l *limiter) forget(now time.Time) {
	for k, r := range l.counts {
		if r.TokensAt(now) >= float64(r.Burst()) {
			delete(l.counts, k)
		}
	}
	if len(l.counts) > maxTracked {
		clear(l.counts)
	}
}
