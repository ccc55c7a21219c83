package fleet

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kind is a kind of fault.
type Kind string

// The kinds of faults of a device.
const (
	Loss   Kind = "loss"   // packets are lost: what follows them waits for their repetition
	Delay  Kind = "delay"  // everything comes later
	Slow   Kind = "slow"   // so many bytes a second
	Cut    Kind = "cut"    // no line; every other one is not noticed by either end
	Reboot Kind = "reboot" // off and on again, without a good-bye
	Skew   Kind = "skew"   // the clock is set
	Disk   Kind = "disk"   // nothing more can be stored
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Loss, Delay, Slow, Cut, Reboot, Skew, Disk} }

// ErrKind is wrapped by refusals of a word that is no kind of weather.
var ErrKind = errors.New("no kind of weather")

// ParseKinds reads kinds separated by commas; "all" is every one, "" or "none" none.
func ParseKinds(text string) ([]Kind, error) {
	switch text {
	case "", "none":
		return nil, nil
	case "all":
		return Kinds(), nil
	}
	var out []Kind
	for word := range strings.SplitSeq(text, ",") {
		k := Kind(strings.TrimSpace(word))
		if !slices.Contains(Kinds(), k) {
			return nil, fmt.Errorf("%.40q: %w; there are all, none, %v", word, ErrKind, Kinds())
		}
		out = append(out, k)
	}
	return out, nil
}

// Weather is what may happen to devices. The zero value is fine weather.
type Weather struct {
	Kinds []Kind
	// Every is the mean time from the end of a fault to the next one of a device, For
	// the mean time that one lasts.
	Every, For time.Duration
	// Until is when the last fault begins at the latest, from the fleet's start on.
	Until time.Duration
}

// Fault is one fault of one device.
type Fault struct {
	At   time.Duration // from the fleet's start on
	For  time.Duration
	Kind Kind

	Rate   int           // Slow: bytes a second
	Delay  time.Duration // Delay
	Loss   float64       // Loss: of packets
	Ahead  time.Duration // Skew: of the clock
	Silent bool          // Cut: neither end notices
}

// source is what chance there is for one device, or for the fleet ("").
func source(seed uint64, device protocol.DeviceID) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(device)) // a hash takes everything
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Forecast returns the faults of a device in order. None begins before the one
// before has ended.
func (w Weather) Forecast(seed uint64, device protocol.DeviceID) []Fault {
	if len(w.Kinds) == 0 || w.Every <= 0 || w.For <= 0 {
		return nil
	}
	var out []Fault
	r := source(seed, device)
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() * float64(w.Every))
		if at >= w.Until {
			return out
		}
		f := Fault{At: at, Kind: w.Kinds[r.IntN(len(w.Kinds))], For: time.Duration((0.2 + 1.6*r.Float64()) * float64(w.For))}
		// Each fault takes the same draws, so that another list of kinds leaves the
		// times as they were.
		level, sign := r.Float64(), r.IntN(2) == 0
		switch f.Kind {
		case Slow:
			f.Rate = 2_000 + int(level*30_000)
		case Delay:
			f.Delay = time.Duration((0.05 + 1.5*level) * float64(time.Second))
		case Loss:
			f.Loss = 0.01 + 0.2*level
		case Skew:
			if f.Ahead = time.Duration((0.1 + 4*level) * float64(time.Second)); sign {
				f.Ahead = -f.Ahead
			}
		case Cut:
			f.Silent = sign
		case Reboot, Disk:
		}
		out = append(out, f)
		at += f.For
	}
}
