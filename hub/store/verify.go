package store

import (
	"context"

	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Material reads everything that verify looks at, all of it signed but for the
// devices' media and keys. Roots, documents, zone and time are the caller's.
func (db *DB) Material(ctx context.Context, devices []registry.Device, media func(registry.Device) []protocol.Medium) (verify.Material, error) {
	var m verify.Material
	var err error
	for _, d := range devices {
		m.Devices = append(m.Devices, verify.Device{ID: d.ID, Media: media(d), Public: d.Public})
	}
	if m.Trust, err = all(ctx, db.read, func(r row) (verify.Document, error) {
		var d verify.Document
		var name string
		err := r.Scan(&name, &d.Bytes)
		d.Kind = envelope.Kind(name)
		return d, kind(err)
	}, `SELECT kind, bytes FROM trust ORDER BY number`); err != nil {
		return m, err
	}
	if m.Plans, err = all(ctx, db.read, func(r row) (verify.Plan, error) {
		var p verify.Plan
		var at int64
		err := r.Scan(&p.Unit, &p.Head, &p.Body, &at)
		p.At = fromMs(at)
		return p, kind(err)
	}, `SELECT unit, head, body, at FROM plan ORDER BY unit, number`); err != nil {
		return m, err
	}
	if m.Heads, err = all(ctx, db.read, func(r row) (verify.Head, error) {
		var h verify.Head
		var chain []byte
		var received int64
		err := r.Scan(&h.Device, &chain, &h.Seq, &h.Sealed, &received)
		h.Chain, h.Received = digest(chain), fromMs(received)
		return h, kind(err)
	}, `SELECT device, chain, seq, head, received FROM batch ORDER BY device, chain, seq`); err != nil {
		return m, err
	}
	if m.Audit, err = db.Audit().Material(ctx); err != nil {
		return m, err
	}
	m.Entries, err = all(ctx, db.read, func(r row) (verify.Entry, error) {
		var e verify.Entry
		var chain []byte
		var received int64
		err := r.Scan(&e.Device, &chain, &e.Bytes, &received)
		e.Chain, e.Received = digest(chain), fromMs(received)
		return e, kind(err)
	}, `SELECT device, chain, bytes, received FROM entry ORDER BY device, chain, seq`)
	return m, err
}
