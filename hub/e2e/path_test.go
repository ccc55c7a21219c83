package e2e

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/player/wav"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// text is short, so that it plays in a few seconds.
const text = "Mời bà con họp thôn lúc 7h30."

func speaker(id protocol.DeviceID, unit protocol.UnitID, share uint64) registry.NewDevice {
	return registry.NewDevice{ID: id, Name: string(id), Unit: unit, Sound: true, Serves: map[protocol.UnitID]uint64{unit: share}}
}

// decoded returns what a rendition sounds like at full volume.
func (w *world) decoded(b bulletin.Bulletin) []int16 {
	w.t.Helper()
	f, err := w.Blobs.Open(b.Rendition.Content.Digest)
	must(w.t, err)
	r, err := opus.Open(f)
	must(w.t, err)
	defer r.Close()
	var out []int16
	buf := make([]int16, 4800)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return out
		}
		must(w.t, err)
	}
}

func heard(t *testing.T, path string) []int16 {
	t.Helper()
	pcm, _, err := wav.Read(bytes.NewReader(readAll(t, path)))
	must(t, err)
	return pcm
}

// A typed text becomes a voice, is approved, planned, delivered, played and
// confirmed; the WAV is the bulletin, sample by sample; the figure follows from
// the signed material alone.
func TestTypedTextIsPlayedAndConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dong := w.device(speaker("loa-dong", "thon-dong", 1000))
	both := speaker("loa-bang-doai", "thon-doai", 500)
	both.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
	doai := w.device(both)
	w.online(dong, doai)

	b := w.ready(bulletin.Content{Text: text, Board: "Họp thôn 7h30", Options: bulletin.SoundOptions{Wanted: true}})
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	r := w.settled(b, 3)

	if diff := cmp.Diff(reach.Count{Expected: 3, Played: 3}, r.Count); diff != "" {
		t.Errorf("count (-want +got):\n%s", diff)
	}
	// 820 people by a whole share, 305 of 610 by half; nobody serves thôn Trung,
	// whose 470 stay in the denominator. A rendered page is not shown.
	if r.Reached != 820+305 || r.People != 1900 {
		t.Errorf("reached %.1f of %d, want 1125 of 1900", r.Reached, r.People)
	}
	want := w.decoded(b)
	for _, d := range []*device{dong, doai} {
		files := d.wavs(r.Lines[0].Airing)
		if len(files) != 1 {
			t.Fatalf("%s wrote %d files of sound, want 1", d.id, len(files))
		}
		if got := heard(t, files[0]); !slices.Equal(got, want) {
			t.Errorf("%s: the WAV differs from what was approved (%d and %d frames)", d.id, len(got), len(want))
		}
	}
	for _, l := range r.Lines {
		if l.Medium == protocol.MediumSound && (l.Answer.Frames != uint64(len(want)) || l.Answer.Proof != protocol.ProofConsumed) {
			t.Errorf("%s: receipt of %d frames with proof %s, want %d consumed", l.Device, l.Answer.Frames, l.Answer.Proof, len(want))
		}
		if l.Medium == protocol.MediumBoard && l.Answer.Proof != protocol.ProofRendered {
			t.Errorf("%s: a folder of pictures proves %s, want rendered", l.Device, l.Answer.Proof)
		}
	}

	v := w.verified()
	if len(v.Problems) > 0 || len(v.Bulletins) != 1 {
		t.Fatalf("verify: %d bulletins, problems %q", len(v.Bulletins), v.Problems)
	}
	if got := v.Bulletins[0]; got.Count != r.Count || got.Reached != r.Reached || got.People != r.People {
		t.Errorf("verify has %+v, the hub %+v %.1f of %d", got, r.Count, r.Reached, r.People)
	}
}

// Nobody approves their own; an edit makes a new, unapproved revision and voids
// what was pending.
func TestApprovalIsAnotherPersonsAndOfTheVeryRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.device(speaker("loa-dong", "thon-dong", 1000))
	b := w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true}})
	wish := bulletin.Wish{Units: []protocol.UnitID{commune}, When: bulletin.Now}
	r, err := w.Approvals.Submit(t.Context(), w.actor("soan"), b.ID, wish)
	must(t, err)
	both := w.actor("duyet1")
	both.Person = "soan"
	if _, err := w.Approvals.Approve(t.Context(), both, r.Digest, password); code(err) != "self-approval" {
		t.Errorf("self-approval: %v", err)
	}
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, "sai"); !errors.Is(err, problem.ErrForbidden) && !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("wrong password: %v", err)
	}
	next, err := w.Bulletins.Edit(t.Context(), w.actor("soan"), b.ID, bulletin.Content{
		Class: protocol.ClassNormal, Text: text + " Xin cảm ơn.", Options: bulletin.SoundOptions{Wanted: true},
	}, b.Edition())
	must(t, err)
	if next.ID == b.ID || next.Revision != 2 || next.State != bulletin.Preparing {
		t.Errorf("the edit made %s, revision %d, %s", next.ID, next.Revision, next.State)
	}
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); code(err) != "not-open" {
		t.Errorf("approval of an edited bulletin: %v", err)
	}
	// Whoever has not seen an edit does not write over it, neither of what was submitted nor of the new revision.
	other := bulletin.Content{Class: protocol.ClassNormal, Text: "Chữ của người khác.", Options: bulletin.SoundOptions{Wanted: true}}
	_, err = w.Bulletins.Edit(t.Context(), w.actor("soan"), next.ID, other, next.Edition())
	must(t, err)
	for _, seen := range []bulletin.Bulletin{b, next} {
		if _, err := w.Bulletins.Edit(t.Context(), w.actor("soan"), seen.ID, other, seen.Edition()); code(err) != "changed-meanwhile" {
			t.Errorf("an edit of revision %d as it was before: %v", seen.Revision, err)
		}
	}
}

// A drill needs two people, cuts what plays, says that it is one, and the cut
// bulletin comes back from its beginning.
func TestDrillCutsABulletinThatThenComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	long := w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true, Repeat: 4}})
	drill := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Nước lũ đang lên, mời bà con di dời.", Options: bulletin.SoundOptions{Wanted: true, Drill: true}})
	w.air(long, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.until("the bulletin plays", func() bool { return d.playing(w, long) })

	wish := bulletin.Wish{When: bulletin.Now, Drill: true, Passes: 1, Validity: 5}
	r := w.air(drill, wish, "duyet1")
	if !r.Approved.IsZero() {
		t.Fatal("one person was enough for an emergency")
	}
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); code(err) != "signed-already" {
		t.Errorf("the same person twice: %v", err)
	}
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet2"), r.Digest, password); err != nil {
		t.Fatal(err)
	}
	rd := w.settled(drill, 1)
	rl := w.settled(long, 1)
	if rd.Count.Played != 1 || rl.Count.Played != 1 {
		t.Fatalf("drill %+v, bulletin %+v, want both played", rd.Count, rl.Count)
	}
	if v := rd.Lines[0].Answer.Voice; v != protocol.VoiceDelivered {
		t.Errorf("the drill was told by %s, want the sound that was sent", v)
	}
	if files := d.wavs(rl.Lines[0].Airing); len(files) != 2 {
		t.Errorf("the bulletin sounded in %d stretches, want 2", len(files))
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}

// playing says whether the device has begun a bulletin.
func (d *device) playing(w *world, b bulletin.Bulletin) bool {
	for _, l := range w.report(b).Lines {
		if l.Device == d.id && len(d.wavs(l.Airing)) > 0 {
			return true
		}
	}
	return false
}

func code(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
