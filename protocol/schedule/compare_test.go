package schedule

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var plans = flag.Int("plans", 3000, "random plans to compare with the reference")

var seed = flag.Uint64("seed", 1, "seed of the first random plan")

// TestMachineAgreesWithReference compares Timeline with the second reading of
// SCHEDULE.md on random plans, line by line.
func TestMachineAgreesWithReference(t *testing.T) {
	outcomes := map[string]int{}
	lines := 0
	for i := range *plans {
		g := &generator{rng: rand.New(rand.NewPCG(*seed+uint64(i), 7))}
		input := g.plan()
		got, err := Timeline(input)
		if err != nil {
			t.Fatalf("plan %d: %v\n%s", i, err, input)
		}
		want, err := refTimeline(input)
		if err != nil {
			t.Fatalf("plan %d: %v\n%s", i, err, input)
		}
		have := make([]string, len(got))
		for j, l := range got {
			have[j] = string(l)
			_, rest, _ := strings.Cut(have[j], `"outcome":"`)
			word, _, _ := strings.Cut(rest, `","plays"`)
			outcomes[word]++
		}
		lines += len(have)
		if diff := cmp.Diff(want, have); diff != "" && (len(want) > 0 || len(have) > 0) {
			t.Fatalf("plan %d (-seed %d -plans 1): reference against machine\n%s\n%s", i, *seed+uint64(i), diff, input)
		}
	}
	// The comparison is worth something only if every ending occurs.
	for _, r := range []string{
		`played","reason":"`, `cut","reason":"emergency`, `cut","reason":"drill`, `cut","reason":"off`, `cut","reason":"muted`,
		`cut","reason":"stopped`, `cut","reason":"withdrawn`, `cut","reason":"superseded`,
		`skipped","reason":"no plan`, `skipped","reason":"off`, `skipped","reason":"muted`, `skipped","reason":"no content`,
		`skipped","reason":"clock unsure`, `skipped","reason":"quiet hours`, `skipped","reason":"busy`,
		`skipped","reason":"stopped`, `skipped","reason":"withdrawn`, `skipped","reason":"superseded`,
	} {
		if *plans >= 3000 && outcomes[r] == 0 {
			t.Errorf("no occurrence in %d plans was %s", *plans, r)
		}
	}
	t.Logf("%d plans, %d occurrences, %v", *plans, lines, outcomes)
}
