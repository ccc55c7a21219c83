package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Said is what a hub says of one occurrence.
type Said struct {
	Key
	Outcome string `json:"outcome"` // played, cut, skipped, lost, unknown, ahead
	Reason  string `json:"reason,omitempty"`
	Frames  uint64 `json:"frames,omitempty"`
}

// Finding is one occurrence on which hub and truth differ.
type Finding struct {
	Key  Key    `json:"key"`
	What string `json:"what"`
}

// shown is how many findings of a kind a report lists.
const shown = 20

// Findings are the differences of one kind.
type Findings struct {
	Count int       `json:"count"`
	First []Finding `json:"first,omitempty"`
}

func (f *Findings) add(k Key, format string, args ...any) {
	if f.Count++; len(f.First) < shown {
		f.First = append(f.First, Finding{k, fmt.Sprintf(format, args...)})
	}
}

// Report compares what a hub says with what devices really did.
type Report struct {
	Seed     uint64       `json:"seed"`
	Devices  int          `json:"devices"`
	Faults   map[Kind]int `json:"faults,omitempty"`
	Failures int          `json:"failures,omitempty"`
	// Memory is what the fleet's processes took at most, in bytes, and CPU how long
	// they had a processor, in seconds; 0 if that is not known.
	Memory uint64         `json:"memory,omitempty"`
	CPU    float64        `json:"processor_seconds,omitempty"`
	Said   map[string]int `json:"said"` // occurrences by outcome
	Done   int            `json:"done"` // occurrences that sounded or were shown

	// Lost: it sounded and the hub knows nothing of it.
	Lost Findings `json:"lost"`
	// Twice: it came to its end more than once, or the hub counts it twice.
	Twice Findings `json:"twice"`
	// Wrong: the hub says more than happened, or nothing sounded where it says so.
	Wrong Findings `json:"wrong"`
	// Unknown: the hub waits for an outcome.
	Unknown Findings `json:"unknown"`
	// Less: the hub says less than happened: the power went between the last frame
	// and its record.
	Less Findings `json:"less"`
}

// Compare makes a report. What a hub has not been asked about is left out of said;
// what the devices did of it is then lost.
func Compare(said []Said, truth map[Key]Deed) Report {
	r := Report{Said: map[string]int{}, Done: len(truth)}
	heard := make(map[Key]bool, len(said))
	for _, s := range said {
		if heard[s.Key] {
			r.Twice.add(s.Key, "stands twice in the hub's report")
			continue
		}
		heard[s.Key] = true
		r.Said[s.Outcome]++
		d, done := truth[s.Key]
		r.judge(s, d, done)
	}
	missing := slices.DeleteFunc(slices.Collect(maps.Keys(truth)), func(k Key) bool { return heard[k] })
	sortKeys(missing)
	for _, k := range missing {
		r.Lost.add(k, "sounded %d times, and the hub does not expect it", truth[k].Begun)
	}
	for _, f := range []*Findings{&r.Lost, &r.Twice, &r.Wrong, &r.Unknown, &r.Less} {
		slices.SortFunc(f.First, func(a, b Finding) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	}
	return r
}

// judge compares the hub's word on one occurrence with the truth.
func (r *Report) judge(s Said, d Deed, done bool) {
	if d.Whole > 1 {
		r.Twice.add(s.Key, "came to its end %d times", d.Whole)
	}
	switch s.Outcome {
	case "ahead":
		if d.Whole > 0 {
			r.Unknown.add(s.Key, "has sounded, its receipt is not in yet")
		}
	case "unknown":
		if done {
			r.Lost.add(s.Key, "sounded, and the hub knows nothing of it")
		} else {
			r.Unknown.add(s.Key, "no outcome")
		}
	case "played":
		switch {
		case d.Whole == 0:
			r.Wrong.add(s.Key, "said to be played, begun %d times and never whole", d.Begun)
		case s.Key.Medium == "sound" && !d.Open && s.Frames > d.Frames:
			r.Wrong.add(s.Key, "%d frames said, %d consumed", s.Frames, d.Frames)
		}
	case "cut":
		switch {
		case !done:
			r.Wrong.add(s.Key, "said to be cut (%s), never begun", s.Reason)
		case d.Whole > 0:
			r.Less.add(s.Key, "said to be cut (%s), came to its end", s.Reason)
		}
	case "skipped":
		if d.Whole > 0 {
			r.Wrong.add(s.Key, "said to be skipped (%s), came to its end", s.Reason)
		} else if done {
			r.Less.add(s.Key, "said to be skipped (%s), begun %d times", s.Reason, d.Begun)
		}
	case "lost":
		r.Lost.add(s.Key, "the device says that its record was lost")
	default:
		r.Wrong.add(s.Key, "outcome %q", s.Outcome)
	}
}

// Good says whether nothing was lost, nothing counted twice, nothing said that did
// not happen, and nothing is unknown.
func (r Report) Good() bool {
	return r.Lost.Count+r.Twice.Count+r.Wrong.Count+r.Unknown.Count == 0
}

// JSON writes the report as one JSON object.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Text writes the report for people.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d devices", r.Seed, r.Devices)
	for _, k := range Kinds() {
		if n := r.Faults[k]; n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, k)
		}
	}
	if r.Failures > 0 {
		fmt.Fprintf(&b, ", agents ended %d times", r.Failures)
	}
	if r.Memory > 0 && r.Devices > 0 {
		fmt.Fprintf(&b, "\nfor each device %d KiB of memory and %.2f s of a processor", r.Memory>>10/uint64(r.Devices), r.CPU/float64(r.Devices))
	}
	b.WriteString("\nthe hub says:")
	for _, o := range slices.Sorted(maps.Keys(r.Said)) {
		fmt.Fprintf(&b, " %d %s", r.Said[o], o)
	}
	fmt.Fprintf(&b, "; on %d something sounded or was shown\n", r.Done)
	for _, f := range []struct {
		name string
		Findings
	}{{"lost", r.Lost}, {"twice", r.Twice}, {"wrong", r.Wrong}, {"unknown", r.Unknown}, {"less than happened", r.Less}} {
		fmt.Fprintf(&b, "%-20s %d\n", f.name, f.Count)
		for _, one := range f.First {
			fmt.Fprintf(&b, "  %s: %s\n", one.Key, one.What)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
