package speaker

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func TestMessagesComeBackAsSent(t *testing.T) {
	t.Parallel()
	var pipe bytes.Buffer
	w := writer{to: &pipe}
	sent := report{Consumed: 1, Content: 2, Pending: 3, At: -4, Starved: 5, Held: 6, Paused: 7}
	for _, err := range []error{
		w.sendInt(sayStart, -7), w.sendPCM([]int16{1, -2, 32767, -32768}), w.sendReport(sayAt, sent), w.sendText(sayFault, "no card"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := reader{from: &pipe}
	kinds := ""
	for {
		kind, data, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds += string(kind)
		switch kind {
		case sayStart:
			if v, err := parseInt(data); v != -7 || err != nil {
				t.Error(v, err)
			}
		case sayPCM:
			pcm, err := parsePCM(nil, data, 2)
			if diff := cmp.Diff([]int16{1, -2, 32767, -32768}, pcm); diff != "" || err != nil {
				t.Error(diff, err)
			}
		case sayAt:
			if got, err := parseReport(data); got != sent || err != nil {
				t.Error(got, err)
			}
		case sayFault:
			if string(data) != "no card" {
				t.Errorf("%q", data)
			}
		}
	}
	if kinds != "spqx" {
		t.Errorf("kinds %q", kinds)
	}
}

// FuzzObey sends the fuzzer's bytes to a child, which must refuse or obey them, within
// its memory.
func FuzzObey(f *testing.F) {
	var seed bytes.Buffer
	w := writer{to: &seed}
	for _, err := range []error{w.sendInt(sayStart, 0), w.sendPCM(make([]int16, 20)), w.sendInt(sayFlush, 1000)} {
		if err != nil {
			f.Fatal(err)
		}
	}
	w.begin(sayEnd)
	if err := w.send(); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte{sayPCM, 255, 255, 255, 255, 0})
	f.Add([]byte{sayStart, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		// Beside it, the engine with its queue of sound, whatever comes.
		protocoltest.HoldMemoryBeside(t, "orders to a child", len(data), 6*int(player.FramesIn(queue)), func() {
			_ = obey(newEngine(1, func(report) {}), 1, bytes.NewReader(data), &sender{w: writer{to: io.Discard}})
		})
		e := newEngine(1, func(report) {})
		err := obey(e, 1, bytes.NewReader(data), &sender{w: writer{to: io.Discard}})
		if err != nil && !errors.Is(err, errWire) && !errors.Is(err, io.ErrUnexpectedEOF) &&
			!errors.Is(err, feed.ErrFull) && !errors.Is(err, feed.ErrNoTrack) {
			t.Errorf("an error of no kind: %v", err)
		}
		if a := e.feed.Consumed(e.feed.Total()); a.Pending < 0 || a.Pending > player.FramesIn(queue) {
			t.Errorf("%+v", a)
		}
	})
}

func TestTheMeterTakesTheEarliestSampleAndForgetsAStall(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	m := meter{held: 4800, memory: memory}
	late := func(ms int64) int64 { return ms * int64(time.Millisecond) }
	// a card that began at 10 s takes 20 ms every 20 ms, and we see it late by turns
	for i := range int64(40) {
		m.taken(10*second+nanos(960*i)+late(i%7+1), 4800+960*i)
	}
	if got := m.at(0, 0) - 10*second; got < 0 || got > late(2) {
		t.Errorf("the line begins %s late", time.Duration(got))
	}
	// it stands still for half a second, then goes on
	for i := int64(40); i < 50; i++ {
		m.taken(10*second+second/2+nanos(960*i)+late(i%7+1), 4800+960*i)
	}
	if got := m.at(0, 0) - 10*second - second/2; got < 0 || got > late(2) {
		t.Errorf("after a stall the line begins %s late", time.Duration(got))
	}
	if m.consumed != 960*49 {
		t.Errorf("consumed %d", m.consumed)
	}
}

func TestTheGaugeTellsWhatACardHolds(t *testing.T) {
	t.Parallel()
	// A card that holds 3,000 frames gets them slowly, 1,000 every 10 ms, as from a busy
	// machine, begins to play only then, and takes 240 more every 5 ms.
	g := gauge{held: 2500}
	const slow = int64(10 * time.Millisecond)
	for at := slow; ; at += slow / 2 {
		frames := at / slow * 1000
		if at > 3*slow {
			frames = 3000 + player.FramesIn(time.Duration(at-3*slow))
		}
		known, err := g.taken(at, frames)
		if err != nil {
			t.Fatal(err)
		}
		if known {
			break
		}
	}
	if g.held < 3000 || g.held > 3500 {
		t.Errorf("held %d", g.held)
	}
	if _, err := g.taken(1, player.FramesIn(3*time.Second)); !errors.Is(err, errUnpaced) {
		t.Errorf("a device without a pace: %v", err)
	}
	// The same from a machine so busy that only every 50 ms it gets to give 100 ms.
	g = gauge{held: 2500}
	for i := int64(1); ; i++ {
		known, err := g.taken(i*int64(50*time.Millisecond), i*player.FramesIn(100*time.Millisecond))
		if errors.Is(err, errUnpaced) {
			break
		}
		if known || err != nil {
			t.Fatalf("a device without a pace, seldom fed: believed to hold %d, %v", g.held, err)
		}
	}
}

func TestAPinnedCardIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	for device, want := range map[string]string{
		"hw:CARD=Device,DEV=1": `slave.pcm { type hw card "Device" device 1 }`,
		"hw:1,0":               `slave.pcm { type hw card "1" device 0 }`,
		"hw:sndrpihifiberry":   `slave.pcm { type hw card "sndrpihifiberry" device 0 }`,
	} {
		text, err := pin(device)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, want) || strings.Count(text, "pcm") != 2 {
			t.Errorf("%s: %s", device, text)
		}
	}
}
