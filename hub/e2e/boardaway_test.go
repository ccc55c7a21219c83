package e2e

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	agentconfig "github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
)

// controller is a pixel controller that shows what DDP pushes to it.
type controller struct {
	conn net.PacketConn
	mu   sync.Mutex
	rgb  []byte // as it shows
	next []byte
}

// plugIn starts a controller at an address of loopback.
func plugIn(t *testing.T, address string, pixels int) *controller {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	must(t, err)
	c := &controller{conn: conn, rgb: make([]byte, 3*pixels), next: make([]byte, 3*pixels)}
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if b[0]&0x02 != 0 { // it is asked how it is
				_, _ = conn.WriteTo([]byte{0x44, 0, 0, 251, 0, 0, 0, 0, 0, 2, '{', '}'}, from)
				continue
			}
			c.mu.Lock()
			copy(c.next[binary.BigEndian.Uint32(b[4:]):], b[10:n])
			if b[0]&1 != 0 {
				copy(c.rgb, c.next)
			}
			c.mu.Unlock()
		}
	}()
	return c
}

func (c *controller) unplug() { _ = c.conn.Close() }

// lit is how many bytes of what it shows are not dark.
func (c *controller) lit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, b := range c.rgb {
		if b != 0 {
			n++
		}
	}
	return n
}

// A controller on the network, by the profile of firmware-config, that loses its power
// and gets it back: meanwhile the board is a fault that operators hear of, and nothing is
// said to have been shown; after that the board comes back by itself.
func TestAControllerThatVanishesAndReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	profile, err := agentconfig.LoadProfile("../../firmware-config/boards/board-192x32.yaml")
	must(t, err)
	c := plugIn(t, "127.0.0.1:0", 192*32)
	address := c.conn.LocalAddr().String()
	d := w.device(board("bang-dong", "thon-dong", protocol.Display{Width: 192, Height: 32, Row: 16}), func(d *device) {
		profile.Board.Output = "ddp:" + address
		d.config.Profile = profile
	})
	w.online(d)
	faulty := func() bool {
		st, err := w.Registry.State(t.Context(), d.id)
		return err == nil && slices.Contains(st.Heartbeat.Faults, "board")
	}
	air := func(text string) bulletin.Bulletin {
		b := w.ready(bulletin.Content{Title: "Họp thôn", Board: text})
		w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong"}}, "duyet1")
		return b
	}
	for i, text := range []string{"Lúc 19:30 tại nhà văn hoá.", "Lúc 7:30 tại trạm y tế."} {
		w.until("the controller is lit", func() bool { return c.lit() > 0 })
		r := w.settled(air(text), 1)
		if a := r.Lines[0].Answer; a.Outcome != protocol.OutcomePlayed || a.Proof != protocol.ProofRendered {
			t.Errorf("with its power: %+v", a)
		}
		if i > 0 {
			break
		}
		c.unplug()
		w.until("the board is a fault", faulty)
		must(t, w.Alerts.Look(t.Context(), time.Now()))
		list, err := w.Alerts.List(t.Context(), w.actor("quantri"), time.Time{})
		must(t, err)
		if !slices.ContainsFunc(list, func(a alert.Alert) bool { return a.Kind == alert.Fault && a.Reason == "board" && a.Closed.IsZero() }) {
			t.Errorf("operators are not told: %+v", list)
		}
		if a := w.settled(air("Không ai thấy."), 1).Lines[0].Answer; a.Outcome == protocol.OutcomePlayed {
			t.Errorf("without its power: %+v", a)
		}
		c = plugIn(t, address, 192*32)
		defer c.unplug()
		w.until("the board is well again", func() bool { return !faulty() })
	}
}

// A board whose browser takes every frame and never says that it drew one: the board
// waits for it again and again, and the loudspeaker of the same device begins on time.
func TestASlowBoardDoesNotHoldUpTheSound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := at.Addr().String()
	must(t, at.Close())
	n := speaker("loa-bang", "thon-dong", 1000)
	n.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
	d := w.device(n, func(d *device) { d.config.Profile.Board.Output = "kiosk:" + address })
	w.online(d)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/events", nil)
	must(t, err)
	browser, err := http.DefaultClient.Do(req)
	must(t, err)
	defer browser.Body.Close()
	go func() { _, _ = io.Copy(io.Discard, browser.Body) }() // until it is cancelled

	const waits = 2 * time.Second // of the board, for each frame (kiosk.Config.Patience)
	b := w.ready(bulletin.Content{Title: "Họp thôn", Text: "Họp thôn.", Board: "Lúc 19:30 tại nhà văn hoá.", Options: bulletin.SoundOptions{Wanted: true}})
	_, wish := w.later(9 * time.Second) // by then all is there
	w.air(b, bulletin.Wish{When: bulletin.At, Start: wish, Units: []protocol.UnitID{"thon-dong"}}, "duyet1")
	w.holds(d)
	for _, l := range w.settled(b, 2).Lines {
		switch late := l.Answer.Began.Sub(l.Start); {
		case l.Medium == protocol.MediumBoard && l.Answer.Proof != 0:
			t.Errorf("a board that shows nothing: %+v", l.Answer)
		case l.Medium == protocol.MediumSound && (l.Answer.Outcome != protocol.OutcomePlayed || late >= waits):
			t.Errorf("sound %v late beside it: %+v", late, l.Answer)
		}
	}
}
