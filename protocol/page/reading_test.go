package page_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol/page"
)

func TestDwellIsTheTimeToRead(t *testing.T) {
	for letters, want := range map[int]time.Duration{
		0: 4 * time.Second, 25: 4 * time.Second, 26: 4100 * time.Millisecond, 200: 21500 * time.Millisecond,
	} {
		if got := page.Dwell(page.Page{Letters: letters}); got != want {
			t.Errorf("%d letters: %v, want %v", letters, got, want)
		}
	}
}

func TestSetsAreShownTwice(t *testing.T) {
	pages := []page.Page{{Letters: 10}, {Letters: 45}} // 4 s and 6 s
	if got := page.Length(pages); got != 20*time.Second {
		t.Errorf("length %v", got)
	}
	for _, x := range []struct {
		at   time.Duration
		want page.Turn
		on   bool
	}{
		{-1, page.Turn{}, false},
		{0, page.Turn{Page: 0, Left: 4 * time.Second}, true},
		{4*time.Second - 1, page.Turn{Page: 0, Left: 1}, true},
		{4 * time.Second, page.Turn{Page: 1, Left: 6 * time.Second}, true},
		{10 * time.Second, page.Turn{Page: 0, Pass: 1, Left: 4 * time.Second}, true},
		{19 * time.Second, page.Turn{Page: 1, Pass: 1, Left: time.Second}, true},
		{20 * time.Second, page.Turn{}, false},
	} {
		got, on := page.At(pages, x.at)
		if diff := cmp.Diff(x.want, got); diff != "" || on != x.on {
			t.Errorf("at %v: %v (-want +got):\n%s", x.at, on, diff)
		}
	}
}

func TestRepeatedHeadersAreReadOnce(t *testing.T) {
	pages, _, err := page.Compose(page.Board{Width: 192, Height: 96, Row: 16}, page.Text{
		Kind: page.Notice, Title: "Bốn", Sender: "Ai", Body: "aaaaaaaaaaaaaaaaaaaa\nb\nc\nd",
	})
	if err != nil || len(pages) != 2 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	if got, want := []int{pages[0].Letters, pages[1].Letters}, []int{20 + 1 + 3 + 2, 2}; !cmp.Equal(got, want) {
		t.Errorf("letters %v, want %v", got, want)
	}
}

func TestDrawingAllocatesNothing(t *testing.T) {
	pages, _, err := page.Compose(boards()[1], texts()[4].Text)
	if err != nil {
		t.Fatal(err)
	}
	f := page.Render(pages[0])
	if n := testing.AllocsPerRun(20, func() { f.Draw(pages[0]) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
