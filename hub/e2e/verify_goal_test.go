package e2e

import (
	"crypto/ed25519"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// A month of a commune: so many devices, bulletins a day, and days.
const (
	monthDevices = 1000
	monthDaily   = 4
	monthDays    = 30
)

// month is a commune's month of signed material: every device played everything.
type month struct {
	b    *testing.B
	w    *protocoltest.World
	m    verify.Material
	docs map[protocol.Digest][]byte
	aire []protocol.Airing // in the order of their starts
}

// BenchmarkGoalVerify measures what loa-hub verify does with a month of 1,000
// devices: it reads 120,000 receipts from the hub's database and checks every
// signature, link and figure of them.
func BenchmarkGoalVerify(b *testing.B) {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	check(b, err)
	m := &month{b: b, w: protocoltest.NewWorld(b), docs: map[protocol.Digest][]byte{}}
	m.m = verify.Material{Roots: protocoltest.Roots(1, m.w.Root.Key()), Zone: zone, Now: protocoltest.Now().AddDate(0, 0, monthDays+2)}
	m.m.Document = func(d protocol.Digest) ([]byte, error) { return m.docs[d], nil }
	for _, d := range m.w.Delegations {
		m.m.Trust = append(m.m.Trust, verify.Document{Kind: envelope.KindDelegation, Bytes: d})
	}
	m.m.Trust = append(m.m.Trust, verify.Document{Kind: envelope.KindApprovers, Bytes: m.w.Approvers}, verify.Document{Kind: envelope.KindPopulations, Bytes: m.w.Populations})
	m.publish()
	db, devices := m.play()
	var took []float64
	for b.Loop() {
		began := time.Now()
		got, err := db.Material(b.Context(), devices, reach.Media)
		check(b, err)
		got.Trust, got.Plans, got.Roots, got.Document, got.Zone, got.Now = m.m.Trust, m.m.Plans, m.m.Roots, m.m.Document, m.m.Zone, m.m.Now
		r := verify.Check(got)
		took = append(took, time.Since(began).Seconds())
		const each = monthDaily * monthDays
		if len(r.Problems) > 0 || r.Receipts != monthDevices*(each+1) || len(r.Bulletins) != each || r.Bulletins[0].Played != monthDevices {
			b.Fatalf("%d receipts, %d bulletins, problems %.300q", r.Receipts, len(r.Bulletins), r.Problems)
		}
	}
	check(b, figure.Print(figure.Under(fmt.Sprintf("verify: a month of %d devices, %d receipts", monthDevices, monthDevices*monthDaily*monthDays), "s", took, 60)))
}

// publish approves and airs the month's bulletins, and signs the plans: one a day.
func (m *month) publish() {
	first := protocoltest.Now().In(m.m.Zone)
	for day := range monthDays {
		for n := range monthDaily {
			doc := protocoltest.Bulletin()
			doc.ID, doc.Board = protocol.BulletinID(fmt.Sprintf("bt-%02d-%d", day, n)), nil
			bulletin := protocoltest.Encode(m.b, doc)
			approval := protocoltest.Approve(m.b, protocoltest.Statement(bulletin, doc.Class), m.w.First)
			m.docs[protocol.DigestOf(bulletin)], m.docs[protocol.DigestOf(approval)] = bulletin, approval
			a := protocoltest.Airing(doc, bulletin, approval)
			a.Start = first.AddDate(0, 0, day).Format(time.DateOnly) + fmt.Sprintf("T%02d:00:00", 16+n)
			a.Rule, a.ExDates, a.RDates = "", nil, nil
			m.aire = append(m.aire, a)
		}
		plan := protocoltest.Plan(slices.Clone(m.aire)...)
		plan.Withdrawals, plan.Stops, plan.Number = nil, nil, protocoltest.Number(time.Duration(day)*time.Minute)
		body := protocoltest.Encode(m.b, plan)
		head := protocoltest.Seal(m.b, m.w.Hub, envelope.KindPlan, protocoltest.PlanHead(body, plan.Number))
		m.m.Plans = append(m.m.Plans, verify.Plan{Unit: protocoltest.Commune, Head: head, Body: body, At: protocoltest.Now()})
	}
}

// play places the devices and has each sign what it played, a batch a day, into a
// real database.
func (m *month) play() (*store.DB, []registry.Device) {
	db, err := store.Open(m.b.Context(), filepath.Join(m.b.TempDir(), "hub.db"))
	check(m.b, err)
	m.b.Cleanup(func() { check(m.b, db.Close()) })
	exec := func(query string, args ...any) {
		m.b.Helper()
		_, err := db.Writer().ExecContext(m.b.Context(), query, args...)
		check(m.b, err)
	}
	exec(`INSERT INTO unit (id, code, name, kind, valid_from) VALUES (?, '1', 'Xã', 'commune', '2026-01-01')`, protocoltest.Commune)
	villages := []protocol.UnitID{protocoltest.Dong, protocoltest.Doai, protocoltest.Trung}
	var devices []registry.Device
	chains := make([]chain, monthDevices)
	for i := range chains {
		id := protocol.DeviceID(fmt.Sprintf("loa-%04d", i))
		key := protocoltest.PrivateKey(string(id))
		signer := protocoltest.Signer(m.b, string(id))
		p := protocoltest.Placement(id, villages[i%len(villages)])
		p.Serves[0].Share, p.Media = 1, []protocol.Medium{protocol.MediumSound}
		public := signer.Key()
		p.Key = &public
		m.m.Trust = append(m.m.Trust, verify.Document{Kind: envelope.KindPlacement, Bytes: protocoltest.Seal(m.b, m.w.Registrar, envelope.KindPlacement, p)})
		exec(`INSERT INTO device (id, name, unit, sound, created) VALUES (?, 'Loa', ?, 1, 0)`, id, protocoltest.Commune)
		devices = append(devices, registry.Device{ID: id, Sound: true, Public: public.Public})
		chains[i] = chain{signer: signer, key: key.Public().(ed25519.PublicKey), head: protocol.Head{Device: id, Chain: protocol.DigestOf([]byte(id))}}
	}
	led := store.NewLedger(db)
	for day := range monthDays {
		batches := make([]ledger.Batch, monthDevices)
		for i := range chains {
			raw := m.day(&chains[i], day)
			batches[i], err = ledger.Open(chains[i].head.Device, chains[i].key, raw, protocoltest.Now())
			check(m.b, err)
		}
		_, err := led.SaveBatches(m.b.Context(), batches)
		check(m.b, err)
	}
	return db, devices
}

// day signs a device's batch of one day.
func (m *month) day(c *chain, day int) []byte {
	var batch protocol.Batch
	add := func(e protocol.Entry) {
		e.Seq, e.Prev, e.At = c.head.Seq+1, c.head.Hash, 1
		raw, err := protocol.Marshal(e)
		check(m.b, err)
		c.head.Seq, c.head.Hash = e.Last(), protocol.DigestOf(raw)
		batch.Entries = append(batch.Entries, raw)
	}
	if day == 0 {
		add(protocol.Entry{Genesis: protocol.GenesisNew})
	}
	for _, a := range m.aire[day*monthDaily:][:monthDaily] {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", a.Start, m.m.Zone)
		check(m.b, err)
		from := protocol.InstantOf(at)
		add(protocol.Entry{Receipt: &protocol.Receipt{
			Airing: a.ID, Unit: a.Unit, Start: from, Medium: protocol.MediumSound, Bulletin: a.Bulletin.Digest, Outcome: protocol.OutcomePlayed,
			Proof: protocol.ProofConsumed, Frames: 1, Volume: 80, Placement: 1, Config: c.head.Chain,
			Plays: []protocol.Stretch{{From: from, To: protocol.InstantOf(at.Add(time.Minute))}},
		}})
	}
	payload, err := protocol.Marshal(c.head)
	check(m.b, err)
	batch.Head, err = c.signer.Seal(envelope.KindReceipt, payload)
	check(m.b, err)
	raw, err := protocol.Marshal(batch)
	check(m.b, err)
	return raw
}
