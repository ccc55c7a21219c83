package reach

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// drawn is what a bulletin looks like on each size of board that it was signed
// for: the digests of its pages as this hub draws them.
type drawn [][]protocol.Digest

// draw returns what an occurrence of a bulletin looks like. A notice's digests are
// signed with it; an emergency shows its times, so it is laid out again.
func draw(b *protocol.Bulletin, a protocol.Airing, start time.Time, zone *time.Location) drawn {
	if b == nil || b.Board == nil {
		return nil
	}
	var out drawn
	if b.Class == protocol.ClassEmergency {
		for _, pages := range laid(b, a, start, zone) {
			out = append(out, page.Digests(pages))
		}
		return out
	}
	for _, s := range b.Board.Sizes {
		out = append(out, s.Digests)
	}
	return out
}

// agrees says whether a device drew what is expected, for one of the sizes: no page
// but these, and of a whole showing all of them.
func (d drawn) agrees(pixels []protocol.Digest, whole bool) bool {
	return len(pixels) > 0 && slices.ContainsFunc(d, func(pages []protocol.Digest) bool {
		other := func(p protocol.Digest) bool { return !slices.Contains(pages, p) }
		left := func(p protocol.Digest) bool { return !slices.Contains(pixels, p) }
		return !slices.ContainsFunc(pixels, other) && !(whole && slices.ContainsFunc(pages, left))
	})
}

// compared lowers what boards claim to what can be compared: "rendered" and all
// above it speak of the very pixels that the hub draws, so without these it is only
// known that the bulletin was there.
func compared(aired []Aired, answers map[Key]Answer, zone *time.Location) {
	type showing struct {
		airing protocol.AiringID
		start  int64
	}
	seen := map[showing]drawn{}
	for k, a := range answers {
		if k.Medium != protocol.MediumBoard || a.Proof < protocol.ProofRendered || a.Pixels == nil {
			continue
		}
		s := showing{k.Airing, k.Start}
		d, ok := seen[s]
		if !ok {
			if i := slices.IndexFunc(aired, func(a Aired) bool { return a.ID == k.Airing }); i >= 0 {
				d = draw(aired[i].Signed, aired[i].Airing, time.UnixMilli(k.Start), zone)
			}
			seen[s] = d
		}
		if !d.agrees(a.Pixels, a.Outcome == protocol.OutcomePlayed) {
			a.Proof = protocol.ProofReceived
			answers[k] = a
		}
	}
}
