package playout_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestScripts runs the scripts of testdata: "# rule", lines "time what fields...",
// and after "=" what the output was told, which receipts were stored and which
// faults raised, by the device's clock.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(b), "# ")
		for _, text := range strings.Split(rest, "\n# ") {
			title, body, _ := strings.Cut(strings.TrimSpace(text), "\n")
			steps, want, _ := strings.Cut(body+"\n", "\n=\n")
			var got string
			t.Run(filepath.Base(name)+"/"+title, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { got = script(t, steps) })
				if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" && !*update {
					t.Errorf("expected against what came\n%s", diff)
				}
			})
			head += "# " + title + "\n" + strings.TrimSpace(steps) + "\n=\n" + got + "\n\n"
		}
		if *update {
			if err := os.WriteFile(name, []byte(strings.TrimSpace(head)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// script plays one script and returns the world's log.
func script(t *testing.T, steps string) string {
	medium, zone := protocol.MediumSound, ""
	if first, rest, _ := strings.Cut(steps, "\n"); strings.HasPrefix(first, "board") {
		medium, steps = protocol.MediumBoard, rest
		zone = strings.TrimSpace(strings.TrimPrefix(first, "board"))
	}
	w := newWorldWith(t, medium, zone, func(o *output) playout.Output { return o })
	for _, line := range strings.Split(strings.TrimSpace(steps), "\n") {
		f := strings.Fields(line)
		d, err := time.ParseDuration(f[0])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		time.Sleep(time.Until(w.start.Add(d)))
		synctest.Wait()
		w.do(f[1], f[2:])
		synctest.Wait()
	}
	w.stop()
	return strings.Join(w.log, "\n")
}

// do carries out one step of a script.
func (w *world) do(what string, f []string) {
	id := protocol.AiringID("")
	if len(f) > 0 {
		id = protocol.AiringID(f[0])
	}
	at := protocol.InstantOf(w.now())
	switch what {
	case "airing":
		w.tell(inbox.Accepted{Airing: w.airing(id, f[1:]), Zone: "UTC", Arrived: at})
	case "content":
		w.document(id, w.refusal(f[1:]))
		w.tell(inbox.Content{Airing: id, There: true})
	case "documents": // others came; nothing is told
		w.document(id, w.refusal(f[1:]))
	case "lists": // others came, by which these documents count
		w.document(id, w.refusal(f[1:]))
		w.tell(inbox.Relisted{})
	case "withdraw":
		w.tell(inbox.Withdrawn{Airing: id, At: at})
	case "stop":
		w.tell(inbox.Stopped{Stop: protocol.Stop{ID: "s", Scope: protocol.ScopeAiring, Airing: id, At: at}})
	case "stop-unit":
		w.tell(inbox.Stopped{Stop: protocol.Stop{ID: "s", Scope: protocol.ScopeUnit, Unit: protocol.UnitID(f[0]), At: at}})
	case "mute", "unmute":
		w.tell(inbox.Muted{Muted: what == "mute"})
	case "sure", "unsure":
		w.tell(inbox.ClockSure{Sure: what == "sure"})
	case "plays":
		w.mu.Lock()
		w.grants.Statement.PlaysPerDay = uint64(w.number(f[0]))
		w.mu.Unlock()
	case "last":
		w.mu.Lock()
		w.grants.Statement.LastDay = protocol.Date(f[0])
		w.mu.Unlock()
	case "place":
		var path []protocol.UnitID
		for _, u := range f[1:] {
			path = append(path, protocol.UnitID(u))
		}
		p := w.place(uint64(w.number(f[0])), path...)
		p.Placement.From = at
		w.tell(p, inbox.Dropped{Airing: "gone"})
	case "full", "free":
		w.disk.full.Store(what == "full")
	case "slow":
		w.disk.slow.Store(int64(w.duration(f[0])))
	case "limit":
		w.lower.Store(int64(100 - w.number(f[0])))
	case "broken", "mended":
		w.broken.Store(what == "broken")
	case "wordless":
		w.wordless.Store(true)
	case "fail", "dead": // after some frames; after none at all
		for _, p := range w.out.under() {
			if what == "dead" {
				p.at = time.Now()
			}
			w.out.end(p, false, errors.New("card lost"))
		}
	case "clock":
		w.skew.Add(int64(w.duration(f[0])))
	case "key":
		w.tell(inbox.Keyed{Airing: id, At: at})
	case "crash":
		w.crash()
	case "off":
		w.stop()
	case "boot":
		w.boot()
	case "end":
	default:
		w.t.Fatalf("no step %q", what)
	}
}

func (w *world) refusal(f []string) error {
	if len(f) == 0 {
		return nil
	}
	kinds := map[string]error{"signature": envelope.ErrSignature, "expired": envelope.ErrExpired, "stranger": envelope.ErrStranger}
	return kinds[f[0]]
}

func (w *world) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// airing is one for both media: at 20 s past now, for 30 s, unless fields say otherwise.
func (w *world) airing(id protocol.AiringID, f []string) protocol.Airing {
	c := protocol.ContentOf([]byte(id))
	a := protocol.Airing{
		ID: id, Unit: "xa", Class: protocol.ClassNormal, Bulletin: c, Approval: c, Sound: &c, SoundFor: 30_000, BoardFor: 20_000, Lateness: 600_000,
		AfterCut: protocol.Restart, Approved: protocol.InstantOf(w.start), Published: protocol.InstantOf(w.now()), Volume: 100,
	}
	start := w.now().Add(20 * time.Second)
	for _, field := range f {
		k, v, _ := strings.Cut(field, "=")
		switch k {
		case "in":
			start = w.now().Add(w.duration(v))
		case "for":
			a.SoundFor, a.BoardFor = protocol.MillisOf(w.duration(v)), protocol.MillisOf(w.duration(v))
		case "late":
			a.Lateness = protocol.MillisOf(w.duration(v))
		case "unit":
			a.Unit = protocol.UnitID(v)
		case "rule":
			a.Rule = v
		case "relay":
			w.note(func() { w.relays[id] = true })
		case "resume":
			a.AfterCut = protocol.Resume
		case "drop":
			a.AfterCut = protocol.Drop
		case "replaces":
			a.Replaces = protocol.AiringID(v)
		case "zone":
			a.BoardZone, a.Sound, a.SoundFor = v, nil, 0
		case "board":
			a.Sound, a.SoundFor = nil, 0
		case "emergency", "drill":
			a.Class, a.Lateness, a.AfterCut, a.Drill = protocol.ClassEmergency, 0, 0, k == "drill"
			a.Until, a.Passes, a.Every = protocol.InstantOf(w.now().Add(10*time.Minute)), 2, 60_000
		default:
			w.t.Fatalf("no field %q", k)
		}
	}
	a.Start = start.Format("2006-01-02T15:04:05.000")
	if a.Rule != "" {
		a.Start = start.Format("2006-01-02T15:04:05")
	}
	return a
}
