// Package figure prints what a benchmark has measured against its limit, one JSON
// object a line, for `make bench`. It computes medians and ratios; it measures
// nothing and decides nothing but whether a goal is met.
package figure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Row is one figure. Limit is what the bare thing needed in the same run; none
// for an absolute figure.
type Row struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Limit *float64 `json:"limit"`
	Ratio *float64 `json:"ratio"`
	Goal  string   `json:"goal"`
	OK    bool     `json:"ok"`
}

// Rounds is how often limit and measurement alternate; LOA_BENCH_ROUNDS says
// otherwise.
func Rounds() int {
	if n, err := strconv.Atoi(os.Getenv("LOA_BENCH_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 7
}

// sizesEnv holds the sizes of fleets to be measured, with commas.
const sizesEnv = "LOA_BENCH_DEVICES"

// Sizes are how many devices a fleet has, one after the other: those of
// LOA_BENCH_DEVICES, or these. One for which there are not as many file descriptors,
// so many a device, is left out, and that is said on standard error.
func Sizes(each int, usual ...int) []int {
	sizes := usual
	if text := os.Getenv(sizesEnv); text != "" {
		sizes = nil
		for word := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(word))
			if err != nil || n < 100 {
				fmt.Fprintf(os.Stderr, "%s: %q is no number of at least 100\n", sizesEnv, word)
				continue
			}
			sizes = append(sizes, n)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return sizes
	}
	return slices.DeleteFunc(slices.Clone(sizes), func(n int) bool {
		need := uint64(each*n + 500)
		if need > limit.Max {
			fmt.Fprintf(os.Stderr, "%d devices are not measured: that takes %d file descriptors, there are %d\n", n, need, limit.Max)
		}
		return need > limit.Max
	})
}

// Ratio is the median of values over the median of limits, at most so much.
func Ratio(name, unit string, values, limits []float64, most float64) Row {
	v, l := Median(values), Median(limits)
	r := v / l
	l, r2 := round(l), round(r)
	return Row{Name: name, Value: round(v), Unit: unit, Limit: &l, Ratio: &r2, Goal: fmt.Sprintf("<= %gx", most), OK: r <= most}
}

// Under is the median of values, at most so much.
func Under(name, unit string, values []float64, most float64) Row {
	v := Median(values)
	return Row{Name: name, Value: round(v), Unit: unit, Goal: fmt.Sprintf("<= %g %s", most, unit), OK: v <= most}
}

// Least is the median of values, at least so much.
func Least(name, unit string, values []float64, least float64) Row {
	v := Median(values)
	return Row{Name: name, Value: round(v), Unit: unit, Goal: fmt.Sprintf(">= %g %s", least, unit), OK: v >= least}
}

// Beside adds what the bare thing reached in the same run, for the reader.
func (r Row) Beside(limits []float64) Row {
	l := round(Median(limits))
	q := round(r.Value / l)
	r.Limit, r.Ratio = &l, &q
	return r
}

// Print writes rows to standard output, each on a line of its own: the testing
// package may have begun one.
func Print(rows ...Row) error { return Fprint(os.Stdout, rows...) }

// Fprint writes rows to w.
func Fprint(w io.Writer, rows ...Row) error {
	for _, r := range rows {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// Median returns the middle of values; 0 for none.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Quantile returns the value under which a share q of values lies; 0 for none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[int(q*float64(len(s)-1)+0.5)]
}

func round(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }
