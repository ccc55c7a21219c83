package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/studio/picture"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// pictures makes pictures for boards in the studio and keeps them as blobs.
type pictures struct {
	decoder *picture.Decoder
	blobs   *blob.Dir
}

// Convert implements bulletin.Pictures.
func (p pictures) Convert(ctx context.Context, file []byte) (protocol.Picture, error) {
	made, err := p.decoder.Convert(ctx, file)
	if err != nil {
		if ctx.Err() != nil {
			return protocol.Picture{}, ctx.Err()
		}
		kind := problem.ErrInvalid
		if errors.Is(err, picture.ErrFailed) {
			kind = problem.ErrUnavailable
		}
		vi, en := picture.Message(err)
		return protocol.Picture{}, problem.New(kind, "picture", "picture", vi, en).Because(err)
	}
	read, err := page.ReadPicture(made)
	if err != nil {
		return protocol.Picture{}, fmt.Errorf("picture: %w", err)
	}
	digest, _, err := p.blobs.Put(bytes.NewReader(made), protocol.MaxPicture)
	if err != nil {
		return protocol.Picture{}, fmt.Errorf("picture: %w", err)
	}
	content, err := p.blobs.Content(digest)
	if err != nil {
		return protocol.Picture{}, fmt.Errorf("picture: %w", err)
	}
	return protocol.Picture{Content: content, Width: uint64(read.W), Height: uint64(read.H)}, nil
}

// Open implements bulletin.Pictures.
func (p pictures) Open(digest protocol.Digest) (page.Picture, error) {
	file, err := p.blobs.Read(digest, protocol.MaxPicture)
	if err != nil {
		return page.Picture{}, err
	}
	return page.ReadPicture(file)
}
