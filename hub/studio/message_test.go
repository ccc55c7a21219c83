package studio

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/transcode"
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
	vi, en := Message(fmt.Errorf("a: %w", &transcode.LimitError{Limit: 2 * time.Hour}))
	if !strings.Contains(vi, "quá 120 phút") || !strings.Contains(en, "over 120 minutes") {
		t.Errorf("too long: %q, %q", vi, en)
	}
	if vi, en := Message(nil); vi != "" || en != "" {
		t.Errorf("nil: %q, %q", vi, en)
	}
}
