package bundle_test

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzCheck is an auditor who is given a bundle of which somebody changed one part: it is
// read and checked to its end, and what nobody signed counts for nothing.
func FuzzCheck(f *testing.F) {
	w := protocoltest.NewWorld(f)
	sequence := func(items ...any) []byte {
		var b []byte
		for _, item := range items {
			one, err := cbor.Marshal(item)
			if err != nil {
				f.Fatal(err)
			}
			b = append(b, one...)
		}
		return b
	}
	trust := []any{verify.Document{Kind: envelope.KindApprovers, Bytes: w.Approvers}, verify.Document{Kind: envelope.KindPopulations, Bytes: w.Populations}}
	for _, d := range w.Delegations {
		trust = append(trust, verify.Document{Kind: envelope.KindDelegation, Bytes: d})
	}
	trust = append(trust, verify.Document{Kind: envelope.KindPlacement, Bytes: w.Placements[protocoltest.Speaker]})
	plan := protocoltest.Plan(w.Claim(f, protocoltest.Bulletin()).Airing)
	batch := w.Batch(f)
	record := audit.Record{Version: protocol.Version, Seq: 1, At: protocoltest.At(0), Act: "bulletin submitted", Before: []audit.Field{{Name: "a", Value: "b"}}}
	parts := []string{"trust.cbor", "devices.cbor", "plans.cbor", "heads.cbor", "entries.cbor", "records.cbor", "people.cbor", "salts.cbor", "checkpoints.cbor"}
	for i, part := range [][]byte{
		sequence(trust...),
		sequence(verify.Device{ID: protocoltest.Speaker, Media: []protocol.Medium{protocol.MediumSound}, Public: w.Devices[protocoltest.Speaker].Key().Public}),
		sequence(verify.Plan{Unit: protocoltest.Commune, Head: w.PlanHead(f), Body: protocoltest.Encode(f, plan), At: protocoltest.Now()}),
		sequence(verify.Head{Device: protocoltest.Speaker, Seq: 3, Sealed: batch.Head, Received: protocoltest.Now()}),
		sequence(verify.Entry{Device: protocoltest.Speaker, Bytes: batch.Entries[0], Received: protocoltest.Now()}),
		sequence(audit.Row{Seq: 1, Bytes: protocoltest.Encode(f, record)}),
		sequence(audit.Private{Seq: 1}),
		sequence(audit.Salt{}),
		sequence(bytes.Repeat([]byte{7}, 150)),
	} {
		f.Add(uint8(i), part)
	}
	f.Fuzz(func(t *testing.T, part uint8, content []byte) {
		name := parts[int(part)%len(parts)]
		b := changed(t, name, content)
		check := func() verify.Report {
			m, err := read(b)
			if err != nil {
				return verify.Report{}
			}
			m.Roots, m.Now = protocol.Roots{Version: protocol.Version, Threshold: 1, Keys: []protocol.Key{w.Root.Key()}}, protocoltest.Now()
			return verify.Check(m)
		}
		protocoltest.HoldMemoryBeside(t, "bundle that is checked", len(b)+len(content), 2<<20, func() { check() })
		// Only the world's own plan is signed, and its trust documents are in another part.
		if r := check(); r.Plans > 0 || r.Approvals > 0 || len(r.Outcomes) > 0 {
			t.Errorf("%s: %d plans, %d approvals, %d outcomes count", name, r.Plans, r.Approvals, len(r.Outcomes))
		}
	})
}
