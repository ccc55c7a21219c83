package reach

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// "Seen" is said only of what the device drew as the hub does, while it stood, on the
// very board; and it reaches nobody more.
func TestSeenIsSaidOnlyOfWhatStoodThen(t *testing.T) {
	began := time.Date(2026, 11, 26, 7, 0, 0, 0, time.UTC)
	ended := began.Add(time.Minute)
	good := Sighting{Airing: "a", Device: "d", At: began.Add(10 * time.Second), By: ByPhoto}
	with := func(change func(*Sighting)) Sighting {
		g := good
		change(&g)
		return g
	}
	for _, x := range []struct {
		name    string
		medium  protocol.Medium
		proof   protocol.Proof
		outcome protocol.Outcome
		seen    Sighting
		want    protocol.Proof
	}{
		{"rendered", protocol.MediumBoard, protocol.ProofRendered, protocol.OutcomePlayed, good, protocol.ProofSeen},
		{"link up", protocol.MediumBoard, protocol.ProofLinkUp, protocol.OutcomePlayed, good, protocol.ProofSeen},
		{"cut, seen before", protocol.MediumBoard, protocol.ProofShown, protocol.OutcomeCut, good, protocol.ProofSeen},
		{"other pixels than the hub's", protocol.MediumBoard, protocol.ProofReceived, protocol.OutcomePlayed, good, protocol.ProofReceived},
		{"sound", protocol.MediumSound, protocol.ProofConsumed, protocol.OutcomePlayed, good, protocol.ProofConsumed},
		{"before it stood", protocol.MediumBoard, protocol.ProofShown, protocol.OutcomePlayed, with(func(g *Sighting) { g.At = began.Add(-time.Millisecond) }), protocol.ProofShown},
		{"after it stood", protocol.MediumBoard, protocol.ProofShown, protocol.OutcomePlayed, with(func(g *Sighting) { g.At = ended.Add(time.Millisecond) }), protocol.ProofShown},
		{"another board", protocol.MediumBoard, protocol.ProofShown, protocol.OutcomePlayed, with(func(g *Sighting) { g.Device = "e" }), protocol.ProofShown},
		{"another airing", protocol.MediumBoard, protocol.ProofShown, protocol.OutcomePlayed, with(func(g *Sighting) { g.Airing = "b" }), protocol.ProofShown},
	} {
		k := Key{Airing: "a", Device: "d", Medium: x.medium, Start: began.UnixMilli()}
		answers := map[Key]Answer{k: {Outcome: x.outcome, Proof: x.proof, Began: began, Ended: ended}}
		before := played(x.medium, answers[k])
		sighted(nil, answers, []Sighting{x.seen}, time.UTC)
		if got := answers[k].Level(); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
		if played(x.medium, answers[k]) != before {
			t.Errorf("%s: a sighting changed who was reached", x.name)
		}
	}
}
