// Package allowance counts how much each of many may still do: devices that send,
// addresses that enrol.
package allowance

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// most is how many allowances are kept before the full ones are looked for, and beyond
// which, if that frees nothing, all are forgotten: strangers must not use up memory.
const most = 20_000

// Allowances are token buckets by name. Safe for concurrent use.
type Allowances struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// New returns allowances of so many at once, which come back at a rate in 1/s.
func New(perSecond float64, burst int) *Allowances {
	return &Allowances{rate: rate.Limit(perSecond), burst: burst, of: map[string]*rate.Limiter{}}
}

// Of returns a name's allowance. One that is full again is as good as a new one, and is
// forgotten in time.
func (a *Allowances) Of(name string, now time.Time) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.of[name]; ok {
		return l
	}
	if len(a.of) >= most {
		maps.DeleteFunc(a.of, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(a.burst) })
		if len(a.of) >= most {
			clear(a.of)
		}
	}
	l := rate.NewLimiter(a.rate, a.burst)
	a.of[name] = l
	return l
}

// Take takes one of a name's, if there is one.
func (a *Allowances) Take(name string, now time.Time) bool { return a.Of(name, now).AllowN(now, 1) }
