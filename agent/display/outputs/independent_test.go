package outputs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// strange is a receiver of somebody else's making, in a process of its own; it says what
// it made of each datagram, one line each.
type strange struct {
	port  string
	lines *bufio.Scanner
}

func receiver(t *testing.T, args ...string) *strange {
	t.Helper()
	dir := filepath.Join("testdata", "receivers")
	node, err := exec.LookPath("node")
	if err != nil {
		protocoltest.Missing(t, "node")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		protocoltest.Missing(t, dir+"/node_modules")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, node, append([]string{"receive.js"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // killed, so it ends with an error
	s := &strange{lines: bufio.NewScanner(out)}
	if _, err := fmt.Sscanf(s.next(t), "port %s", &s.port); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *strange) next(t *testing.T) string {
	t.Helper()
	if !s.lines.Scan() {
		t.Fatalf("the receiver ended: %v", s.lines.Err())
	}
	return s.lines.Text()
}

// picture gathers the slots of a picture's universes, from first on, until all are there.
func (s *strange) picture(t *testing.T, first, count, bytesEach int, source string, priority int) []byte {
	t.Helper()
	parts, seq := map[int][]byte{}, map[int]int{}
	for len(parts) < count {
		line := s.next(t)
		var universe, sequence, prio int
		var name, slots string
		if _, err := fmt.Sscan(line, &universe, &sequence, &prio, &name, &slots); err != nil {
			t.Fatalf("it did not understand a datagram: %.200s", line)
		}
		if prio != priority || strings.ReplaceAll(strings.Trim(name, `"`), "_", " ") != source || universe < first || universe >= first+count {
			t.Errorf("universe %d of %s at priority %d", universe, name, prio)
		}
		if last, again := seq[universe]; again && sequence == last {
			t.Errorf("universe %d: sequence %d twice", universe, sequence)
		}
		seq[universe] = sequence
		b, err := hex.DecodeString(slots)
		if err != nil || len(b) < bytesEach && universe != first+count-1 {
			t.Fatalf("universe %d has %d slots (%v)", universe, len(b), err)
		}
		parts[universe] = b[:min(len(b), bytesEach)]
	}
	var rgb []byte
	for i := range count {
		rgb = append(rgb, parts[first+i]...)
	}
	return rgb
}

// drawn is a page on a board of 128x16 px, and its colours.
func drawn(t *testing.T) (*page.Frame, []byte) {
	t.Helper()
	pages, err := page.Standby(page.Board{Width: 128, Height: 16, Row: 16}, "Xã Bình An")
	if err != nil {
		t.Fatal(err)
	}
	f := page.Render(pages[0])
	return f, tint.New(tint.Amber(), 100, false).AppendRGB(nil, f.Pix)
}

func opened(t *testing.T, line string, w, h int) display.Output {
	t.Helper()
	o, err := outputs.Open(outputs.Config{Line: line, Width: w, Height: h, Device: "bang-dong"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// A receiver of another making (sacn on npm) has the picture that was sent.
func TestAnotherStreamingACNReceiverHasThePicture(t *testing.T) {
	f, want := drawn(t)
	universes := (len(want) + 509) / 510
	args := []string{"sacn"}
	for u := range universes {
		args = append(args, fmt.Sprint(7+u))
	}
	r := receiver(t, args...)
	o := opened(t, "sacn:127.0.0.1:"+r.port+"?universe=7&priority=150", 128, 16)
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	if got := r.picture(t, 7, universes, 510, "loa bang-dong", 150); !bytes.Equal(got[:len(want)], want) {
		t.Error("it has another picture")
	}
}

// A receiver of another making (artnet-protocol on npm) has the picture that was sent,
// and its answer to a poll is taken for one.
func TestAnotherArtNetReceiverHasThePicture(t *testing.T) {
	f, want := drawn(t)
	universes := (len(want) + 509) / 510
	r := receiver(t, "artnet")
	o := opened(t, "artnet:127.0.0.1:"+r.port+"?first=260&local=127.0.0.1:0", 128, 16)
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	if got := r.picture(t, 260, universes, 510, "", 0); !bytes.Equal(got[:len(want)], want) {
		t.Error("it has another picture")
	}
	end, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !o.Health().Link {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("its answer to a poll is not understood")
		}
	}
}

// Nobody else receives Flaschen-Taschen's datagrams in Debian or on npm, but each is a
// picture of the PPM format with a comment, which ffmpeg reads.
func TestAnotherReaderOfPPMHasEachFlaschenTaschenTile(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		protocoltest.Missing(t, "ffmpeg")
	}
	at, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	f, want := drawn(t)
	o := opened(t, "flaschen:"+at.LocalAddr().String(), 128, 16)
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 65536)
	for len(got) < len(want) {
		if err := at.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := at.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "ppm_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
		cmd.Stdin, cmd.Stderr = bytes.NewReader(buf[:n]), os.Stderr
		rgb, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rgb...) // whole rows of a board of this width, from the top
	}
	if !bytes.Equal(got, want) {
		t.Error("it has another picture")
	}
}
