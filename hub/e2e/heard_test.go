package e2e

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/loa-vn/loa/agent/player/cardtest"
	cardspeaker "github.com/loa-vn/loa/agent/player/speaker"
	"github.com/loa-vn/loa/agent/player/wav"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
)

// loudness is what ffmpeg's meter of EBU R 128 says of PCM, in LUFS.
func loudness(t *testing.T, pcm []int16) float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "card.wav")
	out, err := wav.Create(path, 1)
	must(t, err)
	must(t, out.Write(pcm))
	must(t, out.Close())
	text, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-i", path, "-af", "ebur128=framelog=verbose", "-f", "null", "-").CombinedOutput()
	must(t, err)
	all := regexp.MustCompile(`I:\s+(-?[0-9.]+) LUFS`).FindAllSubmatch(text, -1)
	if len(all) == 0 {
		t.Fatalf("no loudness in %s", text)
	}
	v, err := strconv.ParseFloat(string(all[len(all)-1][1]), 64)
	must(t, err)
	return v
}

// withCard gives a device a paced sound card and a microphone: one that hears the card,
// or, if deaf is true, one that hears something else.
func withCard(t *testing.T, driver string, deaf bool) (*cardtest.Card, func(*device)) {
	t.Helper()
	if !cardspeaker.HasOto {
		t.Skip("built without ALSA")
	}
	dir := t.TempDir()
	fifo := filepath.Join(dir, "microphone.fifo")
	card, err := cardtest.Open(cardtest.Config{Dir: dir, Loop: fifo})
	must(t, err)
	t.Cleanup(func() { must(t, card.Close()) })
	script := "exec cat '" + fifo + "'"
	if deaf {
		noise := filepath.Join(dir, "noise")
		// Half a second in each 0.4 s, so that it lacks none where starting a program takes long.
		must(t, os.WriteFile(noise, randomBytes(t, 48_000), 0o600))
		script = "while cat '" + noise + "'; do sleep 0.4; done"
	}
	recorder := filepath.Join(dir, "recorder")
	must(t, os.WriteFile(recorder, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	return card, func(d *device) {
		d.speaker, d.recorder = []string{os.Args[0], speakerChild}, recorder
		s := d.config.Profile.Sound
		s.Driver, s.Card, s.Microphone = driver, card.ConfigPath(), "default"
	}
}

// TestTheCardIsAsLoudAsTheHubMeantAndTheMicrophoneHearsIt: what comes out of the card is
// within 1 LU of the hub's target; a microphone that hears it raises the receipt's level
// of proof, which the hub shows and verify finds again; one that hears something else does not,
// and the play counts all the same.
func TestTheCardIsAsLoudAsTheHubMeantAndTheMicrophoneHearsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	card, fitted := withCard(t, "oto", false)
	_, deaf := withCard(t, "alsa", true)
	a := w.device(registry.NewDevice{ID: "loa-dong", Name: "Loa thôn Đông", Unit: "thon-dong", Sound: true, Serves: map[protocol.UnitID]uint64{"thon-dong": 1000}}, fitted)
	b := w.device(registry.NewDevice{ID: "loa-doai", Name: "Loa thôn Đoài", Unit: "thon-doai", Sound: true, Serves: map[protocol.UnitID]uint64{"thon-doai": 1000}}, deaf)
	w.online(a, b)
	c := w.ready(spokenText(2))
	w.air(c, bulletin.Wish{Units: []protocol.UnitID{commune}, When: bulletin.Now, Volume: 100}, "duyet1")
	r := w.settled(c, 2)
	levels := map[protocol.DeviceID]protocol.Proof{}
	for _, l := range r.Lines {
		levels[l.Device] = l.Answer.Proof
	}
	if levels["loa-dong"] != protocol.ProofRecognised || levels["loa-doai"] != protocol.ProofConsumed {
		t.Errorf("levels of proof %v", levels)
	}
	for _, list := range w.receipts(c) {
		if h := list[0].Heard; h == nil || h.Listened < 2000 {
			t.Errorf("listened: %+v", h)
		}
	}
	w.countedOnce(c, reach.Count{Expected: 2, Played: 2})
	pcm := card.Recording().PCM
	from := slices.IndexFunc(pcm, func(s int16) bool { return s != 0 })
	if from < 0 {
		t.Fatal("the card put out nothing")
	}
	got := loudness(t, pcm[from:])
	t.Logf("%.1f LUFS at the card, %.1f wanted", got, transcode.TargetHorn)
	if math.Abs(got-transcode.TargetHorn) > 1 {
		t.Errorf("%.1f LUFS at the card, want %.1f within 1 LU", got, transcode.TargetHorn)
	}
}
