package protocol_test

import (
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func receiptExamples(tb testing.TB) []example {
	tb.Helper()
	entries := protocoltest.Entries(tb)
	batch := protocoltest.NewWorld(tb).Batch(tb)
	return []example{
		{"receipt", func() protocoltest.Message { return ptr(protocoltest.Receipt()) }, receiptEdits()},
		{"entry", func() protocoltest.Message {
			return &protocol.Entry{
				Seq: 2, Prev: protocol.DigestOf(entries[0]), At: protocoltest.At(0),
				Receipt: ptr(protocoltest.Receipt()),
			}
		}, entryEdits()},
		{"head", func() protocoltest.Message { return ptr(protocoltest.Head(entries, 5)) }, []edit{
			refused("of nobody", func(h *protocol.Head) { h.Device = "" }),
			refused("of no chain", func(h *protocol.Head) { h.Chain = protocol.Digest{} }),
			refused("seq 0", func(h *protocol.Head) { h.Seq = 0 }),
			refused("no hash", func(h *protocol.Head) { h.Hash = protocol.Digest{} }),
		}},
		{"batch", func() protocoltest.Message { return &protocol.Batch{Head: batch.Head, Entries: [][]byte{entries[0]}} }, []edit{
			taken("of three", func(b *protocol.Batch) { b.Entries = batch.Entries }),
			refused("no head", func(b *protocol.Batch) { b.Head = []byte{} }),
			refused("no entries", func(b *protocol.Batch) { b.Entries = [][]byte{} }),
			refused("257 entries", func(b *protocol.Batch) { b.Entries = repeat(257, []byte("e")) }),
			of("malformed", "an empty entry", func(b *protocol.Batch) { b.Entries[0] = []byte{} }),
		}},
	}
}

func receiptEdits() []edit {
	type T = protocol.Receipt
	skipped := func(reason protocol.Reason) func(*T) {
		return func(r *T) {
			r.Outcome, r.Reason, r.Proof, r.Plays, r.Frames = protocol.OutcomeSkipped, reason, 0, nil, 0
		}
	}
	board := func(proof protocol.Proof) func(*T) {
		return func(r *T) {
			r.Medium, r.Proof, r.Frames = protocol.MediumBoard, proof, 0
			r.Pixels = []protocol.Digest{protocol.DigestOf([]byte("page 1"))}
		}
	}
	edits := []edit{
		refused("no airing", func(r *T) { r.Airing = "" }),
		refused("no unit", func(r *T) { r.Unit = "" }),
		refused("medium 0", func(r *T) { r.Medium = 0 }),
		refused("medium 3", func(r *T) { r.Medium = 3 }),
		refused("outcome 0", func(r *T) { r.Outcome = 0 }),
		refused("outcome lost", func(r *T) { r.Outcome, r.Reason = protocol.OutcomeLost, protocol.ReasonFault }),
		refused("played with a reason", func(r *T) { r.Reason = protocol.ReasonBusy }),
		refused("played without a stretch", func(r *T) { r.Plays = nil }),
		refused("played without proof", func(r *T) { r.Proof = 0 }),
		refused("played, yet only received", func(r *T) { r.Proof = protocol.ProofReceived }),
		refused("sound that was shown", func(r *T) { r.Proof = protocol.ProofShown }),
		refused("proof 7", func(r *T) { r.Proof = 7 }),
		refused("voice 4", func(r *T) { r.Voice = 4 }),
		taken("siren", func(r *T) { r.Voice = protocol.VoiceSiren }),
		refused("pixels of a sound", func(r *T) { r.Pixels = []protocol.Digest{{1}} }),
		refused("volume 101", func(r *T) { r.Volume = 101 }),
		refused("uncertainty below 0", func(r *T) { r.Uncertainty = -1 }),
		refused("stretch of no length", func(r *T) { r.Plays[0].To = r.Plays[0].From }),
		refused("stretches that overlap", func(r *T) { r.Plays = repeat(2, r.Plays[0]) }),
		refused("201 stretches", func(r *T) { r.Plays = stretches(201) }),
		taken("200 stretches", func(r *T) { r.Plays = stretches(200) }),
		taken("cut", func(r *T) { r.Outcome, r.Reason = protocol.OutcomeCut, protocol.ReasonEmergency }),
		refused("cut without reason", func(r *T) { r.Outcome = protocol.OutcomeCut }),
		refused("skipped without reason", skipped(protocol.ReasonNone)),
		refused("skipped for reason 17", skipped(17)),
		refused("skipped, yet it sounded", func(r *T) { r.Outcome, r.Reason = protocol.OutcomeSkipped, protocol.ReasonBusy }),
		taken("board shown", board(protocol.ProofShown)),
		refused("board that was consumed", board(protocol.ProofConsumed)),
		refused("board, yet only received", board(protocol.ProofReceived)),
		refused("board with frames", func(r *T) { board(protocol.ProofShown)(r); r.Frames = 1 }),
		taken("recognised", func(r *T) { r.Heard = &protocol.Heard{Listened: 60_000, Recognised: 57_000} }),
		taken("not recognised", func(r *T) { r.Heard = &protocol.Heard{Listened: 60_000} }),
		refused("recognised by nobody who listened", func(r *T) { r.Heard = &protocol.Heard{} }),
		refused("more recognised than listened", func(r *T) { r.Heard = &protocol.Heard{Listened: 1, Recognised: 2} }),
		refused("board that was heard", func(r *T) { board(protocol.ProofShown)(r); r.Heard = &protocol.Heard{Listened: 1} }),
		refused("heard, yet not consumed", func(r *T) { skipped(protocol.ReasonBusy)(r); r.Heard = &protocol.Heard{Listened: 1} }),
		taken("ended at the board", func(r *T) {
			board(protocol.ProofShown)(r)
			r.Outcome, r.Reason, r.Keyed = protocol.OutcomeCut, protocol.ReasonStopped, r.Plays[0].To
		}),
		refused("sound ended at the board", func(r *T) { r.Keyed = r.Plays[0].To }),
		refused("ended before 1970", func(r *T) { board(protocol.ProofShown)(r); r.Keyed = -1 }),
		refused("257 pages", func(r *T) { board(protocol.ProofShown)(r); r.Pixels = repeat(257, r.Pixels[0]) }),
	}
	for reason := protocol.ReasonNoPlan; reason <= protocol.ReasonFault; reason++ {
		edits = append(edits, taken("skipped, "+reason.String(), skipped(reason)))
	}
	return edits
}

func stretches(n int) []protocol.Stretch {
	s := make([]protocol.Stretch, n)
	for i := range s {
		from := protocol.Instant(1_000_000_000_000 + i*1000)
		s[i] = protocol.Stretch{From: from, To: from + 500}
	}
	return s
}

func entryEdits() []edit {
	type T = protocol.Entry
	genesis := func(do func(*T)) func(*T) {
		return func(e *T) {
			*e = T{Seq: 1, At: e.At, Genesis: protocol.GenesisLost, Before: ptr(protocol.DigestOf([]byte("before")))}
			do(e)
		}
	}
	loss := func(do func(*T)) func(*T) {
		return func(e *T) {
			e.Receipt, e.Loss = nil, &protocol.Loss{Through: 9, Reason: "torn file"}
			do(e)
		}
	}
	return []edit{
		taken("genesis", genesis(func(*T) {})),
		taken("genesis of a new device", genesis(func(e *T) { e.Genesis, e.Before = protocol.GenesisNew, nil })),
		taken("loss", loss(func(*T) {})),
		refused("seq 0", func(e *T) { e.Seq = 0 }),
		refused("receipt as the first", func(e *T) { e.Seq, e.Prev = 1, protocol.Digest{} }),
		refused("after nothing", func(e *T) { e.Prev = protocol.Digest{} }),
		refused("nothing", func(e *T) { e.Receipt = nil }),
		refused("receipt and loss", func(e *T) { e.Loss = &protocol.Loss{Through: 2, Reason: "x"} }),
		refused("before what is no genesis", func(e *T) { e.Before = &e.Prev }),
		refused("receipt that is not valid", func(e *T) { e.Receipt.Volume = 101 }),
		refused("genesis 4", genesis(func(e *T) { e.Genesis = 4 })),
		refused("genesis as the second", genesis(func(e *T) { e.Seq = 2 })),
		refused("genesis after something", genesis(func(e *T) { e.Prev = protocol.DigestOf(nil) })),
		refused("genesis before nothing", genesis(func(e *T) { e.Before = &protocol.Digest{} })),
		refused("loss backwards", loss(func(e *T) { e.Loss.Through = 1 })),
		refused("loss for no reason", loss(func(e *T) { e.Loss.Reason = "" })),
		refused("loss for 201 letters", loss(func(e *T) { e.Loss.Reason = strings.Repeat("x", 201) })),
	}
}
