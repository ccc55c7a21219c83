package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func config(dir string) store.Config {
	return store.Config{
		Path: filepath.Join(dir, "agent.db"), Marker: filepath.Join(dir, "chain-begun"), Now: protocoltest.At(0),
		Entropy: bytes.NewReader(bytes.Repeat([]byte{7}, 32)), Log: slog.New(slog.DiscardHandler),
	}
}

// open opens a store whose pages are checked when the test ends.
func open(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Check(); err != nil && !errors.Is(err, os.ErrClosed) && err.Error() != "database not open" {
			t.Errorf("inconsistent store: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func receipt(n int) protocol.Receipt {
	r := protocoltest.Receipt()
	r.Airing = protocol.AiringID(fmt.Sprintf("lp-%d", n))
	return r
}

// chain returns the unacknowledged entries, which must follow one another.
func chain(t *testing.T, s *store.Store) []protocol.Entry {
	t.Helper()
	raw, head, err := s.Unacked(1<<20, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) == 0 {
		return nil
	}
	entries, err := protocol.Link(protocol.Head{Device: "d", Chain: head.Chain, Seq: head.Seq, Hash: head.Hash}, raw)
	if err != nil {
		t.Fatalf("chain is broken: %v", err)
	}
	return entries
}

func TestAChainBeginsWithItsReason(t *testing.T) {
	dir := t.TempDir()
	genesis := func(cfg store.Config) protocol.Genesis {
		s, err := store.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return chain(t, s)[0].Genesis
	}
	if got := genesis(config(dir)); got != protocol.GenesisNew {
		t.Errorf("first: %v", got)
	}
	if got := genesis(config(dir)); got != protocol.GenesisNew {
		t.Errorf("opened again: %v", got)
	}
	if err := os.Remove(config(dir).Path); err != nil {
		t.Fatal(err)
	}
	if got := genesis(config(dir)); got != protocol.GenesisLost {
		t.Errorf("after the file was lost: %v", got)
	}
	replaced := config(t.TempDir())
	replaced.Genesis = protocol.GenesisReplaced
	if got := genesis(replaced); got != protocol.GenesisReplaced {
		t.Errorf("replaced: %v", got)
	}
}

func TestADamagedFileIsPutAsideAndSaid(t *testing.T) {
	damage := map[string]func(*testing.T, string){
		"torn": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()/4); err != nil {
				t.Fatal(err)
			}
		},
		"very short": func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		},
		"noise": func(t *testing.T, path string) {
			noise := sha256.Sum256([]byte(path))
			if err := os.WriteFile(path, bytes.Repeat(noise[:], 2048), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			cfg := config(t.TempDir())
			s, err := store.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 300 {
				if err := s.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{receipt(i)}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			do(t, cfg.Path)
			cfg.Entropy = bytes.NewReader(make([]byte, 32))
			again := open(t, cfg)
			if got := chain(t, again); len(got) != 1 || got[0].Genesis != protocol.GenesisLost {
				t.Errorf("chain after damage: %+v", got)
			}
			if _, err := os.Stat(cfg.Path + ".damaged"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A device that goes off while its very first store is being made has lost nothing.
func TestAStoreThatWasNeverFinishedIsMadeAnew(t *testing.T) {
	for _, size := range []int{1, 100, 8 << 10, 64 << 10} {
		cfg := config(t.TempDir())
		if err := os.WriteFile(cfg.Path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := chain(t, open(t, cfg)); len(got) != 1 || got[0].Genesis != protocol.GenesisNew {
			t.Errorf("%d bytes: chain %+v", size, got)
		}
		if _, err := os.Stat(cfg.Path + ".damaged"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestAFileInUseIsRefused(t *testing.T) {
	cfg := config(t.TempDir())
	open(t, cfg)
	if s, err := store.Open(cfg); !errors.Is(err, store.ErrUsed) {
		t.Errorf("opened twice: %v %v", s, err)
	}
}

func TestRecordsAndReceiptsAreOneTransaction(t *testing.T) {
	s := open(t, config(t.TempDir()))
	first := store.Occurrence{Medium: protocol.MediumSound, Airing: "lp-1", Start: 5, Data: []byte("on")}
	journal := store.Journal{Medium: protocol.MediumSound, Airing: "lp-1", Start: 5, Begun: 6, Position: 7, At: 8}
	err := s.Commit(store.Batch{
		At: 9, Put: []store.Occurrence{first}, Receipts: []protocol.Receipt{receipt(1), receipt(2)}, Journal: []store.Journal{journal},
	})
	if err != nil {
		t.Fatal(err)
	}
	// The second receipt is invalid: nothing of the batch may stay.
	bad := receipt(4)
	bad.Medium = 0
	err = s.Commit(store.Batch{
		At: 10, Put: []store.Occurrence{{Medium: protocol.MediumSound, Airing: "lp-2", Start: 5}}, Forget: []store.Occurrence{first},
		Receipts: []protocol.Receipt{receipt(3), bad}, Idle: []protocol.Medium{protocol.MediumSound},
	})
	if !errors.Is(err, protocol.ErrInvalid) {
		t.Fatalf("bad receipt: %v", err)
	}
	occurrences, err := s.Occurrences()
	if diff := cmp.Diff([]store.Occurrence{first}, occurrences); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	journals, err := s.Journals()
	if diff := cmp.Diff([]store.Journal{journal}, journals); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if got := chain(t, s); len(got) != 3 || got[2].Receipt.Airing != "lp-2" {
		t.Errorf("chain of %d", len(got))
	}
	if err := s.Commit(store.Batch{Idle: []protocol.Medium{protocol.MediumSound}, Forget: []store.Occurrence{first}}); err != nil {
		t.Fatal(err)
	}
	occurrences, err = s.Occurrences()
	journals, journalErr := s.Journals()
	if len(occurrences) != 0 || len(journals) != 0 || err != nil || journalErr != nil {
		t.Errorf("forgotten, yet there: %v %v, %v %v", occurrences, journals, err, journalErr)
	}
}

func TestTheLongestReceiptFitsIntoAnEntry(t *testing.T) {
	s := open(t, config(t.TempDir()))
	r := receipt(1)
	r.Medium, r.Proof, r.Frames, r.Plays = protocol.MediumBoard, protocol.ProofShown, 0, nil
	r.Airing = protocol.AiringID(bytes.Repeat([]byte("a"), protocol.MaxIDLength))
	r.Unit = protocol.UnitID(bytes.Repeat([]byte("b"), protocol.MaxIDLength))
	for i := range protocol.MaxPixels {
		r.Pixels = append(r.Pixels, protocol.DigestOf(fmt.Append(nil, i)))
	}
	for i := range protocol.MaxPlays {
		from := protocol.Instant(1_800_000_000_000 + 10*i)
		r.Plays = append(r.Plays, protocol.Stretch{From: from, To: from + 5})
	}
	if err := s.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{r}}); err != nil {
		t.Fatal(err)
	}
	r.Pixels = append(r.Pixels, protocol.DigestOf([]byte("one more")))
	if err := s.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{r}}); !errors.Is(err, protocol.ErrInvalid) {
		t.Errorf("one page more: %v", err)
	}
	if got := chain(t, s); len(got) != 2 {
		t.Errorf("chain of %d", len(got))
	}
}

func TestAnAcknowledgementMustCarryOurOwnHash(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Most = 3
	s := open(t, cfg)
	for i := range 5 { // the last three are lost
		if err := s.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{receipt(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	full, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(full.Chain, full.Seq, full.Hash); err != nil {
		t.Fatal(err)
	}
	head, err := s.Head()
	if err != nil || head.Seq != 6 {
		t.Fatalf("head %+v %v", head, err)
	}
	for name, err := range map[string]error{
		"another hash":  s.Ack(head.Chain, head.Seq, protocol.DigestOf([]byte("x"))),
		"another chain": s.Ack(protocol.DigestOf([]byte("x")), head.Seq, head.Hash),
		"a seq ahead":   s.Ack(head.Chain, 99, head.Hash),
		"inside a loss": s.Ack(head.Chain, 5, head.Hash),
	} {
		if !errors.Is(err, store.ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := chain(t, s); len(got) != 1 {
		t.Errorf("%d entries left after refused acknowledgements", len(got))
	}
	if err := s.Ack(head.Chain, head.Seq, head.Hash); err != nil {
		t.Fatal(err)
	}
	if got := chain(t, s); len(got) != 0 {
		t.Errorf("%d entries left", len(got))
	}
}

// The store is bounded, and drops nothing in silence: what there is no room for is
// counted, also over restarts, and said by one loss record of exactly its numbers.
func TestReceiptsWithoutRoomAreSaidToBeLost(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Most = 4
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(from, n int) {
		t.Helper()
		var rs []protocol.Receipt
		for i := range n {
			rs = append(rs, receipt(from+i))
		}
		if err := s.Commit(store.Batch{At: protocol.Instant(from), Receipts: rs, Put: []store.Occurrence{{Medium: protocol.MediumSound, Airing: "lp", Start: protocol.Instant(from)}}}); err != nil {
			t.Fatal(err)
		}
	}
	commit(1, 5) // three are kept behind the genesis
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	commit(6, 5)
	kept := chain(t, s)
	if len(kept) != 4 || kept[3].Receipt.Airing != "lp-3" {
		t.Fatalf("%d entries wait", len(kept))
	}
	if list, err := s.Occurrences(); err != nil || len(list) != 2 {
		t.Errorf("%d records of occurrences, %v: they need no room in the chain", len(list), err)
	}
	raw, _, err := s.Unacked(2, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(head.Chain, 2, protocol.DigestOf(raw[1])); err != nil {
		t.Fatal(err)
	}
	got := chain(t, s)
	if len(got) != 3 || got[2].Loss == nil || got[2].Seq != 5 || got[2].Loss.Through != 11 || got[2].At != 6 {
		t.Fatalf("after two were acknowledged: %+v", got)
	}
	if head, err = s.Head(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(head.Chain, head.Seq, head.Hash); err != nil {
		t.Fatal(err)
	}
	commit(11, 1)
	if got := chain(t, s); len(got) != 1 || got[0].Seq != 12 || got[0].Receipt == nil {
		t.Errorf("with room again: %+v", got)
	}
}

func TestAHubThatLostItsOwnGetsTheReceiptsAgain(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Keep = 4
	s := open(t, cfg)
	for i := range 10 {
		if err := s.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{receipt(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	head, err := s.Head()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(head.Chain, head.Seq, head.Hash); err != nil {
		t.Fatal(err)
	}
	if err := s.Resend(2); err != nil {
		t.Fatal(err)
	}
	got := chain(t, s)
	if len(got) != 4 || got[0].Seq != 8 {
		t.Errorf("%d entries again, the first %+v", len(got), got[0])
	}
}

func TestBatchesAreBounded(t *testing.T) {
	s := open(t, config(t.TempDir()))
	var receipts []protocol.Receipt
	for i := range 50 {
		receipts = append(receipts, receipt(i))
	}
	if err := s.Commit(store.Batch{At: 1, Receipts: receipts}); err != nil {
		t.Fatal(err)
	}
	entries, head, err := s.Unacked(20, 1<<20)
	if err != nil || len(entries) != 20 || head.Seq != 20 {
		t.Errorf("by count: %d to %d %v", len(entries), head.Seq, err)
	}
	entries, _, err = s.Unacked(20, 1000)
	size := len(bytes.Join(entries, nil))
	if err != nil || size > 1000 || len(entries) < 2 {
		t.Errorf("by bytes: %d of %d %v", len(entries), size, err)
	}
}

func TestWhatMessagesLeaveSurvives(t *testing.T) {
	cfg := config(t.TempDir())
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := protocoltest.NewWorld(t)
	claim := w.Claim(t, protocoltest.Bulletin())
	yes := true
	plan := store.HeldPlan{Unit: "u", Number: 7, Head: []byte("h"), Zone: "UTC", Airings: []protocol.AiringID{claim.Airing.ID}}
	airing := store.HeldAiring{Airing: claim.Airing, Zone: "UTC", Arrived: 3, Checked: 4}
	stop := protocoltest.Stop()
	c := store.Change{
		Placement: []byte("p"), Command: 9, Muted: &yes, Plans: []store.HeldPlan{plan}, Airings: []store.HeldAiring{airing},
		Withdrawals: []store.HeldWithdrawal{{Unit: "u", Airing: "a", At: 1}, {Unit: "v", Airing: "b", At: 1}}, Stops: []protocol.Stop{stop},
		Verdicts:  []store.Verdict{{Seen: protocol.Seen{Alert: protocol.DigestOf([]byte("x")), Accepted: true}, Until: 5}},
		Lists:     []store.List{{Slot: "approvers/u", Doc: []byte("l")}},
		Documents: [][]byte{claim.Bulletin},
	}
	if err := s.Apply(c); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	got, err := s.Held()
	if err != nil {
		t.Fatal(err)
	}
	want := store.Held{
		Meta:  store.Meta{Placement: c.Placement, Command: 9, Muted: true},
		Plans: c.Plans, Airings: c.Airings, Withdrawals: c.Withdrawals, Stops: c.Stops, Verdicts: c.Verdicts, Lists: c.Lists,
		Documents: []protocol.Digest{protocol.DigestOf(claim.Bulletin)}, Floors: map[protocol.UnitID]uint64{"u": 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	doc, err := s.Document(protocol.DigestOf(claim.Bulletin))
	if err != nil || !bytes.Equal(doc, claim.Bulletin) {
		t.Errorf("document: %v", err)
	}
	// A unit that was left keeps its number, so that its old plans stay refused.
	err = s.Apply(store.Change{
		DropPlans: []protocol.UnitID{"u"}, DropWithdrawn: []store.AiringKey{{Airing: "b", Unit: "v"}}, DropAirings: []store.AiringKey{{Airing: claim.Airing.ID, Unit: claim.Airing.Unit}},
		DropStops: []protocol.StopID{stop.ID}, DropVerdicts: []protocol.Digest{protocol.DigestOf([]byte("x"))},
		DropDocuments: []protocol.Digest{protocol.DigestOf(claim.Bulletin)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err = s.Held()
	want = store.Held{Meta: want.Meta, Lists: c.Lists, Floors: map[protocol.UnitID]uint64{"u": 7}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestConnectionsAndTheFloorOnlyGrow(t *testing.T) {
	cfg := config(t.TempDir())
	last := uint64(0)
	for range 3 {
		s, err := store.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.NextConnection()
		if err != nil || n <= last {
			t.Errorf("connection %d after %d: %v", n, last, err)
		}
		last = n
		for _, at := range []protocol.Instant{50, 40} {
			if err := s.RaiseFloor(at); err != nil {
				t.Fatal(err)
			}
		}
		if floor, err := s.Floor(); floor != 50 || err != nil {
			t.Errorf("floor %d %v", floor, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
