package studio_test

import (
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/studio"
)

// BenchmarkTextOf200Words is a typed text of 200 words to a finished rendition.
func BenchmarkTextOf200Words(b *testing.B) {
	s, _ := newStudio(b)
	words := strings.Fields(strings.Repeat(bulletin+" ", 6))[:200]
	text := strings.Join(words, " ")
	for b.Loop() {
		if _, err := s.FromText(b.Context(), studio.TextJob{Text: text}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
