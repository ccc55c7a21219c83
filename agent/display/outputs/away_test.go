package outputs_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/kiosk"
	"github.com/loa-vn/loa/agent/display/kiosk/kiosktest"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// away is a controller whose power goes and returns.
type away struct {
	take  func(datagram []byte) (rgb []byte, whole bool)
	reply func(datagram []byte, rgb []byte) [][]byte // to a question; nil: it knows none

	mu   sync.Mutex
	rgb  []byte // as it came last, whole
	conn *net.UDPConn
	done sync.WaitGroup
}

// plug gives it power, at an address; "" is any.
func (a *away) plug(t *testing.T, address string) string {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	a.conn, a.rgb = conn, nil
	a.mu.Unlock()
	a.done.Go(func() { a.serve(conn) })
	return conn.LocalAddr().String()
}

func (a *away) serve(conn *net.UDPConn) {
	b := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		a.answer(conn, from, b[:n])
	}
}

func (a *away) answer(conn *net.UDPConn, from netip.AddrPort, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reply != nil {
		if out := a.reply(b, a.rgb); out != nil {
			for _, r := range out {
				_, _ = conn.WriteToUDPAddrPort(r, from)
			}
			return
		}
	}
	if rgb, whole := a.take(b); whole {
		a.rgb = bytes.Clone(rgb)
	}
}

// unplug takes its power.
func (a *away) unplug() {
	a.mu.Lock()
	conn := a.conn
	a.mu.Unlock()
	conn.Close()
	a.done.Wait()
}

func (a *away) shows(rgb []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Equal(a.rgb, rgb)
}

// byUniverses shows what it has when the last universe has come: where the number of one
// stands in a datagram and its slots begin, and which is the first.
func byUniverses(w, h, first, slots int, number func([]byte) int) func([]byte) ([]byte, bool) {
	rgb := make([]byte, 3*w*h)
	last := (len(rgb) - 1) / 510
	return func(b []byte) ([]byte, bool) {
		u := number(b) - first
		if len(b) <= slots || u < 0 || u > last {
			return nil, false
		}
		copy(rgb[510*u:], b[slots:min(len(b), slots+510)])
		return rgb, u == last
	}
}

// status answers DDP's question for it, and with pixels that for the display's buffer.
func status(pixels bool) func([]byte, []byte) [][]byte {
	return func(b, rgb []byte) [][]byte {
		from, length := int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint16(b[8:]))
		switch {
		case b[0]&0x02 == 0:
			return nil
		case b[3] == 251:
			return [][]byte{{0x45, 0, 0, 251, 0, 0, 0, 0, 0, 2, '{', '}'}}
		case !pixels || from+length > len(rgb):
			return [][]byte{{0x45, 0, 0, b[3], 0, 0, 0, 0, 0, 0}}
		}
		r := append([]byte{0x45, 0, 0x0b, 1}, b[4:10]...)
		return [][]byte{append(r, rgb[from:from+length]...)}
	}
}

// polled answers Art-Net's poll.
func polled(b, _ []byte) [][]byte {
	if binary.LittleEndian.Uint16(b[8:]) != 0x2000 {
		return nil
	}
	return [][]byte{append([]byte("Art-Net\x00\x00\x21"), make([]byte, 229)...)}
}

const awayW, awayH = 192, 32

// TestReceiversThatVanishAndReturn: every kind of output on the network has a fault while
// its receiver is away, and the picture of the moment when it returns; what is proved of
// a picture is no more than the receiver's own answer says.
func TestReceiversThatVanishAndReturn(t *testing.T) {
	e131 := func(b []byte) int { return int(binary.BigEndian.Uint16(b[113:])) }
	art := func(b []byte) int { return int(binary.LittleEndian.Uint16(b[14:])) }
	for name, x := range map[string]struct {
		line  string // with the receiver's address
		a     *away
		proof protocol.Proof
	}{
		"ddp":                     {"ddp:%s", &away{take: byDDP(awayW, awayH)}, protocol.ProofRendered},
		"ddp that answers":        {"ddp:%s", &away{take: byDDP(awayW, awayH), reply: status(false)}, protocol.ProofRendered},
		"ddp that can be read":    {"ddp:%s", &away{take: byDDP(awayW, awayH), reply: status(true)}, protocol.ProofShown},
		"sacn":                    {"sacn:%s?universe=5", &away{take: byUniverses(awayW, awayH, 5, 126, e131)}, protocol.ProofRendered},
		"artnet":                  {"artnet:%s?first=7", &away{take: byUniverses(awayW, awayH, 7, 18, art)}, protocol.ProofRendered},
		"artnet that is polled":   {"artnet:%s?first=7", &away{take: byUniverses(awayW, awayH, 7, 18, art), reply: polled}, protocol.ProofRendered},
		"flaschen-taschen server": {"flaschen:%s", &away{take: byTiles(awayW, awayH)}, protocol.ProofRendered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := x.a.plug(t, "127.0.0.1:0")
			t.Cleanup(x.a.unplug) // after the board has said goodbye
			out, err := outputs.Open(outputs.Config{Line: fmt.Sprintf(x.line, address), Width: awayW, Height: awayH, Device: "bang-dong"})
			if err != nil {
				t.Fatal(err)
			}
			l := put(t, out)
			paint := tint.New(tint.Amber(), 100, false)
			l.shows("đầu", x.a, paint)
			x.a.unplug()
			l.faulty(true)
			x.a.plug(t, address)
			l.faulty(false)
			if x.a.reply != nil { // it is asked every 5 s whether it is there
				until(t, "it answers", func() bool { return out.Health().Link })
			}
			l.shows("sau", x.a, paint)
			if got := l.Status().Shown.Proof; got != x.proof {
				t.Errorf("proof %s, want %s", got, x.proof)
			}
		})
	}
}

// TestABrowserThatVanishesAndReturns is the same of a kiosk.
func TestABrowserThatVanishesAndReturns(t *testing.T) {
	out, err := outputs.Open(outputs.Config{Line: "kiosk:127.0.0.1:0", Width: awayW, Height: awayH})
	if err != nil {
		t.Fatal(err)
	}
	l := put(t, out)
	for _, life := range []string{"first", "second"} {
		t.Run(life, func(t *testing.T) { // the browser ends with it
			k, ok := out.(*kiosk.Output)
			if !ok {
				t.Fatalf("%T", out)
			}
			kiosktest.Chromium(t, k)
			if life == "second" {
				l.faulty(false)
			}
			s := l.stands(life)
			if s.Proof != protocol.ProofShown {
				t.Errorf("%s on a canvas that can be read", s.Proof)
			}
		})
		l.faulty(true)
	}
}

// live is a board, and whether its last word was a fault.
type live struct {
	*display.Board
	t   *testing.T
	bad bool
}

func put(t *testing.T, out display.Output) *live {
	t.Helper()
	board, err := display.New(display.Config{Output: out, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := board.Close(); err != nil {
			t.Error(err)
		}
	})
	return &live{Board: board, t: t}
}

// next is the board's next word.
func (l *live) next() display.Event {
	l.t.Helper()
	select {
	case e := <-l.Events():
		if e.Kind == display.Fault {
			l.bad = e.Err != nil
		}
		return e
	case <-time.After(60 * time.Second):
		l.t.Fatal("the board says nothing")
		return display.Event{}
	}
}

func text(words string) []page.Page {
	pages, _, err := page.Compose(page.Board{Width: awayW, Height: awayH, Row: 16}, page.Text{Kind: page.Notice, Body: words})
	if err != nil {
		panic(err) // of this test's own words
	}
	return pages
}

// stands shows a text and returns how its first page came up.
func (l *live) stands(words string) display.Showing {
	l.t.Helper()
	if err := l.Show(display.Job{ID: words, Pages: text(words), Until: time.Now().Add(time.Hour)}); err != nil {
		l.t.Fatal(err)
	}
	for e := l.next(); e.Kind != display.Begun || e.Job != words; e = l.next() {
	}
	return l.Status().Shown
}

// shows shows a text and looks at the other end.
func (l *live) shows(words string, a *away, paint *tint.Tint) {
	l.t.Helper()
	l.stands(words)
	want := paint.AppendRGB(nil, page.Render(text(words)[0]).Pix)
	until(l.t, "the receiver has the picture", func() bool { return a.shows(want) })
}

// faulty waits until the board's last word is that it shows nothing, or that it does
// again. Text that runs goes out often enough for it to notice.
func (l *live) faulty(want bool) {
	l.t.Helper()
	if want {
		pages, _, err := page.Compose(page.Board{Width: awayW, Height: awayH, Row: 16}, page.Text{Kind: page.TwoLine, Title: "Xã", Body: "Mời bà con đến nhà văn hoá thôn."})
		if err != nil || pages[0].Crawl == nil {
			l.t.Fatalf("nothing runs: %v", err)
		}
		if err := l.Show(display.Job{ID: "chạy", Pages: pages, Until: time.Now().Add(time.Hour)}); err != nil {
			l.t.Fatal(err)
		}
	}
	for l.bad != want {
		l.next()
	}
}

// until returns when ok does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end, tick := time.After(60*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within 60 s", what)
		}
	}
}

// TestReceiversOfAnotherSizeThanTheProfile: one that can tell is a fault of the board's
// size and gets nothing; one that cannot gets the profile's pictures, which are never more
// than rendered; a browser shows the board's size, whatever its window is.
func TestReceiversOfAnotherSizeThanTheProfile(t *testing.T) {
	small := func(b, rgb []byte) [][]byte { // the buffer of a board of half the height
		if b[0]&0x02 == 0 || b[3] == 251 {
			return status(false)(b, rgb)
		}
		from, to := int(binary.BigEndian.Uint32(b[4:])), 3*awayW*awayH/2
		r := append([]byte{0x45, 0, 0x0b, 1}, b[4:8]...)
		n := max(0, min(to-from, int(binary.BigEndian.Uint16(b[8:]))))
		return [][]byte{append(binary.BigEndian.AppendUint16(r, uint16(n)), make([]byte, n)...)}
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"info": map[string]any{
			"brand": "WLED", "live": true, "leds": map[string]any{"count": awayW * awayH / 2, "matrix": map[string]int{"w": awayW, "h": awayH / 2}},
		}})
	}))
	t.Cleanup(page.Close)
	_, web, _ := net.SplitHostPort(page.Listener.Addr().String())
	for name, x := range map[string]struct {
		line  string
		reply func(b, rgb []byte) [][]byte
		tells bool
	}{
		"ddp that can be read": {"ddp:%s", small, true},
		"ddp of a WLED":        {"ddp:%s?wled=" + web, nil, true},
		"sacn of a WLED":       {"sacn:%s?wled=" + web, nil, true},
		"artnet of a WLED":     {"artnet:%s?wled=" + web, nil, true},
		"ddp":                  {"ddp:%s", nil, false},
		"sacn":                 {"sacn:%s", nil, false},
		"artnet":               {"artnet:%s", nil, false},
		"flaschen":             {"flaschen:%s", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &away{take: func([]byte) ([]byte, bool) { return nil, false }, reply: x.reply}
			address := a.plug(t, "127.0.0.1:0")
			t.Cleanup(a.unplug)
			out, err := outputs.Open(outputs.Config{Line: fmt.Sprintf(x.line, address), Width: awayW, Height: awayH, Device: "bang-dong"})
			if err != nil {
				t.Fatal(err)
			}
			l := put(t, out)
			if s := l.stands("đầu"); s.Proof > protocol.ProofRendered {
				t.Errorf("%s of a board of another size", s.Proof)
			}
			if !x.tells {
				return
			}
			until(t, "it has said how it is", func() bool { return out.Health().Link })
			for n := 0; ; n++ { // pages come up while it is read
				if err := l.Show(display.Job{ID: fmt.Sprint(n), Pages: text(fmt.Sprint("trang ", n)), Until: time.Now().Add(time.Hour)}); err != nil {
					t.Fatal(err)
				}
				e := l.next()
				for e.Kind != display.Fault && (e.Kind != display.Begun || e.Job != fmt.Sprint(n)) {
					e = l.next()
				}
				if e.Kind == display.Fault {
					if !errors.Is(e.Err, display.ErrSize) {
						t.Errorf("fault: %v", e.Err)
					}
					return
				}
				if p := l.Status().Shown.Proof; p > protocol.ProofRendered {
					t.Fatalf("%s of a board of another size", p)
				}
			}
		})
	}
}
