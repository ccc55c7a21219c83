package studio

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/studio/normalise"
)

func TestEveryErrorHasItsOwnSentenceInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	general, _ := Message(errors.New("unknown"))
	for _, a := range advices() {
		vi, en := Message(fmt.Errorf("a: %w", fmt.Errorf("b: %w", a.err)))
		if vi != a.vi || en != a.en || vi == general {
			t.Errorf("%v: %q, %q", a.err, vi, en)
		}
		if seen[vi] || seen[en] {
			t.Errorf("%v: sentence used twice", a.err)
		}
		seen[vi], seen[en] = true, true
		if !strings.Contains(vi, "Hãy") {
			t.Errorf("%v: %q does not say what to do", a.err, vi)
		}
		if err := normalise.Check(vi); err != nil {
			t.Errorf("%v: %v", a.err, err)
		}
	}
	if vi, en := Message(nil); vi != "" || en != "" {
		t.Errorf("nil: %q, %q", vi, en)
	}
}
