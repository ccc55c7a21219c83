package reach

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// "Rendered", and all above it, is said only of the pixels that the hub draws.
func TestABoardsClaimIsLoweredToWhatCanBeCompared(t *testing.T) {
	zone := time.FixedZone("+07", 7*3600)
	start := time.Date(2026, 11, 26, 7, 0, 0, 0, zone)
	size := page.Board{Width: 192, Height: 32, Row: 16}
	signed := func(class protocol.Class, digests []protocol.Digest) *protocol.Bulletin {
		return &protocol.Bulletin{Class: class, Title: "Lũ", Board: &protocol.Board{
			Text: "Rời nhà ngay", Sender: "UBND xã Bình An", LayoutVersion: page.Version,
			Sizes: []protocol.Pages{{Width: 999, Height: 16, Row: 16}, {Width: 192, Height: 32, Row: 16, Digests: digests}},
		}}
	}
	emergency := protocol.Airing{ID: "e", Class: protocol.ClassEmergency, Until: protocol.InstantOf(start.Add(time.Hour))}
	pages, _, err := page.Compose(size, page.Text{
		Kind: page.Emergency, Title: "Lũ", Body: "Rời nhà ngay", Sender: "UBND xã Bình An", Issued: start, Until: start.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	one, two, other := protocol.DigestOf([]byte("1")), protocol.DigestOf([]byte("2")), protocol.DigestOf([]byte("?"))
	notice := Aired{Airing: protocol.Airing{ID: "n"}, Signed: signed(protocol.ClassNormal, []protocol.Digest{one, two})}
	alarm := Aired{Airing: emergency, Signed: signed(protocol.ClassEmergency, nil)}
	for _, x := range []struct {
		name    string
		aired   Aired
		pixels  []protocol.Digest
		outcome protocol.Outcome
		claimed protocol.Proof
		want    protocol.Proof
	}{
		{"all pages", notice, []protocol.Digest{one, two}, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofShown},
		{"in another order", notice, []protocol.Digest{two, one}, protocol.OutcomePlayed, protocol.ProofRendered, protocol.ProofRendered},
		{"a page is missing", notice, []protocol.Digest{one}, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofReceived},
		{"cut after a page", notice, []protocol.Digest{one}, protocol.OutcomeCut, protocol.ProofShown, protocol.ProofShown},
		{"another picture", notice, []protocol.Digest{one, two, other}, protocol.OutcomePlayed, protocol.ProofLinkUp, protocol.ProofReceived},
		{"no pixels", notice, []protocol.Digest{}, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofReceived},
		{"kept by an older hub", notice, nil, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofShown},
		{"bulletin is not known", Aired{Airing: notice.Airing}, []protocol.Digest{one, two}, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofReceived},
		{"emergency with its times", alarm, page.Digests(pages), protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofShown},
		{"emergency of another hour", alarm, []protocol.Digest{one}, protocol.OutcomePlayed, protocol.ProofShown, protocol.ProofReceived},
		{"received", notice, nil, protocol.OutcomeCut, protocol.ProofReceived, protocol.ProofReceived},
	} {
		k := Key{Airing: x.aired.ID, Device: "d", Medium: protocol.MediumBoard, Start: start.UnixMilli()}
		answers := map[Key]Answer{k: {Outcome: x.outcome, Proof: x.claimed, Pixels: x.pixels}}
		compared([]Aired{x.aired}, answers, zone)
		if got := answers[k].Proof; got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
	k := Key{Airing: "n", Device: "d", Medium: protocol.MediumSound, Start: start.UnixMilli()}
	answers := map[Key]Answer{k: {Outcome: protocol.OutcomePlayed, Proof: protocol.ProofConsumed}}
	if compared([]Aired{notice}, answers, zone); answers[k].Proof != protocol.ProofConsumed {
		t.Error("sound was compared with pictures")
	}
}
