package store

import (
	"context"
	"crypto/ed25519"

	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// trust reads trust documents by a query of kind and bytes.
func (db *DB) trust(ctx context.Context, query string, args ...any) ([]verify.Document, error) {
	return all(ctx, db.read, func(r row) (verify.Document, error) {
		var d verify.Document
		var name string
		err := r.Scan(&name, &d.Bytes)
		d.Kind = envelope.Kind(name)
		return d, kind(err)
	}, query, args...)
}

// AuditMaterial reads the record of acts and who might sign it: what verify needs to
// look at that alone. Roots, zone and time are the caller's.
func (db *DB) AuditMaterial(ctx context.Context) (verify.Material, error) {
	var m verify.Material
	var err error
	if m.Trust, err = db.trust(ctx, `SELECT kind, bytes FROM trust WHERE kind IN (?, ?) ORDER BY number`, string(envelope.KindRoots), string(envelope.KindDelegation)); err != nil {
		return m, err
	}
	m.Audit, err = db.Audit().Material(ctx)
	return m, err
}

// Material reads everything that verify looks at, all of it signed but for the
// devices' media and keys. Roots, documents, zone and time are the caller's.
func (db *DB) Material(ctx context.Context, devices []registry.Device, media func(registry.Device) []protocol.Medium) (verify.Material, error) {
	var m verify.Material
	earlier, err := db.replacedKeys(ctx)
	if err != nil {
		return m, err
	}
	for _, d := range devices {
		m.Devices = append(m.Devices, verify.Device{ID: d.ID, Media: media(d), Public: d.Public, Earlier: earlier[d.ID]})
	}
	if m.Trust, err = db.trust(ctx, `SELECT kind, bytes FROM trust ORDER BY number`); err != nil {
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

// replacedKeys returns the keys of hardware that was replaced, oldest first.
func (db *DB) replacedKeys(ctx context.Context) (map[protocol.DeviceID][]ed25519.PublicKey, error) {
	type bound struct {
		device protocol.DeviceID
		public []byte
	}
	keys, err := all(ctx, db.read, func(r row) (bound, error) {
		var b bound
		return b, r.Scan(&b.device, &b.public)
	}, `SELECT k.device, k.public FROM device_key k JOIN device d ON d.id = k.device WHERE k.public IS NOT d.public ORDER BY k.bound`)
	out := map[protocol.DeviceID][]ed25519.PublicKey{}
	for _, k := range keys {
		out[k.device] = append(out[k.device], k.public)
	}
	return out, err
}
