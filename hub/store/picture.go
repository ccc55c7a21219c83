package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/protocol"
)

// storedPicture is a picture's column in a bulletin.
type storedPicture struct {
	Digest string `json:"digest"`
	Chunks string `json:"chunks"`
	Size   uint64 `json:"size"`
	Width  uint64 `json:"width"`
	Height uint64 `json:"height"`
}

func pictureColumn(p *protocol.Picture) (any, error) {
	if p == nil {
		return nil, nil
	}
	j, err := json.Marshal(storedPicture{p.Content.Digest.String(), p.Content.Chunks.String(), p.Content.Size, p.Width, p.Height})
	return string(j), err
}

func parsePicture(column string) (*protocol.Picture, error) {
	var s storedPicture
	if err := json.Unmarshal([]byte(column), &s); err != nil {
		return nil, err
	}
	p := protocol.Picture{Content: protocol.Content{Size: s.Size}, Width: s.Width, Height: s.Height}
	var err error
	if p.Content.Digest, err = protocol.ParseDigest(s.Digest); err != nil {
		return nil, err
	}
	p.Content.Chunks, err = protocol.ParseDigest(s.Chunks)
	return &p, err
}

// AddPicture implements bulletin.Store.
func (s *Bulletins) AddPicture(ctx context.Context, p protocol.Picture, by protocol.PersonID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		d := p.Content.Digest
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO picture (digest, size, chunks, width, height, person, created) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			d[:], p.Content.Size, p.Content.Chunks[:], p.Width, p.Height, by, ms(at)); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{
			At: at, By: by, Name: "picture uploaded", Subject: d.String(), After: map[string]string{"bytes": strconv.FormatUint(p.Content.Size, 10)},
		})
	})
}

// Picture implements bulletin.Store.
func (s *Bulletins) Picture(ctx context.Context, d protocol.Digest) (protocol.Picture, error) {
	return one(ctx, s.db.read, func(r row) (protocol.Picture, error) {
		p := protocol.Picture{Content: protocol.Content{Digest: d}}
		var chunks []byte
		err := r.Scan(&p.Content.Size, &chunks, &p.Width, &p.Height)
		p.Content.Chunks = digest(chunks)
		return p, kind(err)
	}, `SELECT size, chunks, width, height FROM picture WHERE digest = ?`, d[:])
}
