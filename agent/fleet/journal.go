package fleet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Key names an occurrence on one medium of one device.
type Key struct {
	Device protocol.DeviceID `json:"device"`
	Medium string            `json:"medium"`
	Airing protocol.AiringID `json:"airing"`
	Start  int64             `json:"start"` // scheduled, ms UTC
}

// String is how a key stands in a report.
func (k Key) String() string {
	return fmt.Sprintf("%s %s %s %s", k.Device, k.Medium, k.Airing, time.UnixMilli(k.Start).UTC().Format(time.RFC3339))
}

// Note is one thing that a pretended output did.
type Note struct {
	Key
	Ended  bool      `json:"ended,omitempty"` // else it began
	At     time.Time `json:"at"`
	Frames uint64    `json:"frames,omitempty"` // consumed, of a sound that ended
	Whole  bool      `json:"whole,omitempty"`  // to the end
}

// Deed is what an output did of one occurrence in all.
type Deed struct {
	Begun  int // how often
	Whole  int // and came to its end
	Frames uint64
	// Open: it began and nothing more is known: the power was cut.
	Open bool
}

// Journal is the truth: what outputs really did. It is safe for concurrent use.
type Journal struct {
	mu    sync.Mutex
	out   io.Writer // nil keeps it in memory alone
	err   error     // the first that out had
	deeds map[Key]*Deed
	open  map[Key]int
}

// NewJournal returns an empty journal. Each note is written to out, one JSON object
// a line, before whoever it is about hears of it; out may be nil.
func NewJournal(out io.Writer) *Journal {
	return &Journal{out: out, deeds: map[Key]*Deed{}, open: map[Key]int{}}
}

// Read takes in the notes of a file. A last line that is not whole is left out: the
// process was killed while it wrote it.
func (j *Journal) Read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		var n Note
		if err := json.Unmarshal(line, &n); err != nil {
			return fmt.Errorf("journal: %.200q: %w", line, err)
		}
		j.mu.Lock()
		j.count(n)
		j.mu.Unlock()
	}
}

// add notes what happened.
func (j *Journal) add(n Note) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count(n)
	if j.out == nil || j.err != nil {
		return
	}
	line, err := json.Marshal(n)
	if err == nil {
		_, err = j.out.Write(append(line, '\n'))
	}
	j.err = err
}

// count takes a note into the sums. The caller holds mu.
func (j *Journal) count(n Note) {
	d := j.deeds[n.Key]
	if d == nil {
		d = &Deed{}
		j.deeds[n.Key] = d
	}
	if !n.Ended {
		d.Begun++
		j.open[n.Key]++
	} else {
		d.Frames += n.Frames
		if n.Whole {
			d.Whole++
		}
		j.open[n.Key]--
	}
	d.Open = j.open[n.Key] > 0
}

// Deeds returns what was done, and the first error of writing it down.
func (j *Journal) Deeds() (map[Key]Deed, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make(map[Key]Deed, len(j.deeds))
	for k, d := range j.deeds {
		out[k] = *d
	}
	return out, j.err
}

// sortKeys puts keys into the order of reports.
func sortKeys(keys []Key) {
	slices.SortFunc(keys, func(a, b Key) int {
		switch {
		case a.Start != b.Start:
			return int(min(1, max(-1, a.Start-b.Start)))
		case a.String() < b.String():
			return -1
		}
		return 1
	})
}
