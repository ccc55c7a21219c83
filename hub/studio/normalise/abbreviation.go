package normalise

// abbreviation reads an abbreviation of the state's language, as it is usually
// written, that has one meaning; "" if it is none.
func abbreviation(s string) string {
	if w := institution(s); w != "" {
		return w
	}
	if w := activity(s); w != "" {
		return w
	}
	return work(s)
}

// institution reads the names of bodies, programmes and fields of work.
func institution(s string) string {
	switch s {
	case "UBND":
		return "uỷ ban nhân dân"
	case "HĐND":
		return "hội đồng nhân dân"
	case "MTTQ":
		return "mặt trận tổ quốc"
	case "MTTQVN":
		return "mặt trận tổ quốc việt nam"
	case "UBMTTQ":
		return "uỷ ban mặt trận tổ quốc"
	case "UBMTTQVN":
		return "uỷ ban mặt trận tổ quốc việt nam"
	case "UBTVQH":
		return "uỷ ban thường vụ quốc hội"
	case "UBKT":
		return "uỷ ban kiểm tra"
	case "UBBC":
		return "uỷ ban bầu cử"
	case "BHYT":
		return "bảo hiểm y tế"
	case "BHXH":
		return "bảo hiểm xã hội"
	case "BHTN":
		return "bảo hiểm thất nghiệp"
	case "BHNT":
		return "bảo hiểm nhân thọ"
	case "TN&TKQ", "TN-TKQ":
		return "tiếp nhận và trả kết quả"
	case "CSVN":
		return "cộng sản việt nam"
	case "VH-TT&TT":
		return "văn hoá thông tin và truyền thông"
	case "TT&TT":
		return "thông tin và truyền thông"
	case "TTTT":
		return "thông tin truyền thông"
	case "VH&TT":
		return "văn hoá và thông tin"
	case "VH-TT", "VHTT":
		return "văn hoá thông tin"
	case "VH-XH", "VHXH":
		return "văn hoá xã hội"
	case "VHTT&DL", "VHTTDL", "VH,TT&DL":
		return "văn hoá thể thao và du lịch"
	case "VHVN":
		return "văn hoá văn nghệ"
	case "TDTT":
		return "thể dục thể thao"
	case "VHVN-TDTT":
		return "văn hoá văn nghệ thể dục thể thao"
	case "KH-CN", "KHCN":
		return "khoa học công nghệ"
	case "KH&CN":
		return "khoa học và công nghệ"
	case "KHKT", "KH-KT":
		return "khoa học kỹ thuật"
	case "KHHGĐ":
		return "kế hoạch hoá gia đình"
	case "DS-KHHGĐ":
		return "dân số kế hoạch hoá gia đình"
	case "KH&ĐT":
		return "kế hoạch và đầu tư"
	case "KHĐT":
		return "kế hoạch đầu tư"
	case "GD&ĐT":
		return "giáo dục và đào tạo"
	case "GD-ĐT", "GDĐT":
		return "giáo dục đào tạo"
	case "GDTX":
		return "giáo dục thường xuyên"
	case "GDNN":
		return "giáo dục nghề nghiệp"
	case "GDNN-GDTX":
		return "giáo dục nghề nghiệp giáo dục thường xuyên"
	case "NN&PTNT":
		return "nông nghiệp và phát triển nông thôn"
	case "NN-PTNT", "NNPTNT":
		return "nông nghiệp phát triển nông thôn"
	case "NN&MT":
		return "nông nghiệp và môi trường"
	case "TN&MT":
		return "tài nguyên và môi trường"
	case "TNMT":
		return "tài nguyên môi trường"
	case "LĐTBXH", "LĐ-TB&XH", "LĐTB&XH":
		return "lao động thương binh và xã hội"
	case "LĐLĐ":
		return "liên đoàn lao động"
	case "GTVT":
		return "giao thông vận tải"
	case "ATGT":
		return "an toàn giao thông"
	case "TTATGT":
		return "trật tự an toàn giao thông"
	case "TTATXH":
		return "trật tự an toàn xã hội"
	case "ANTT":
		return "an ninh trật tự"
	case "ANTQ":
		return "an ninh tổ quốc"
	case "ATTP":
		return "an toàn thực phẩm"
	case "ATVSTP":
		return "an toàn vệ sinh thực phẩm"
	case "VSATTP":
		return "vệ sinh an toàn thực phẩm"
	case "VSMT":
		return "vệ sinh môi trường"
	case "ATLĐ":
		return "an toàn lao động"
	case "PCCC":
		return "phòng cháy chữa cháy"
	case "PCCC&CNCH", "PCCC-CNCH":
		return "phòng cháy chữa cháy và cứu nạn cứu hộ"
	case "CNCH":
		return "cứu nạn cứu hộ"
	case "TKCN":
		return "tìm kiếm cứu nạn"
	case "PCTT":
		return "phòng chống thiên tai"
	case "PCTT&TKCN":
		return "phòng chống thiên tai và tìm kiếm cứu nạn"
	case "PCTT-TKCN":
		return "phòng chống thiên tai tìm kiếm cứu nạn"
	case "PTDS":
		return "phòng thủ dân sự"
	case "PCCCR":
		return "phòng cháy chữa cháy rừng"
	case "BVMT":
		return "bảo vệ môi trường"
	case "BVTV":
		return "bảo vệ thực vật"
	case "BV&PTR":
		return "bảo vệ và phát triển rừng"
	case "BCĐ":
		return "ban chỉ đạo"
	case "BCH":
		return "ban chấp hành"
	case "BTC":
		return "ban tổ chức"
	case "BTV":
		return "ban thường vụ"
	case "BQL":
		return "ban quản lý"
	case "BQLDA":
		return "ban quản lý dự án"
	case "BCHQS":
		return "ban chỉ huy quân sự"
	case "CHQS":
		return "chỉ huy quân sự"
	case "NVQS":
		return "nghĩa vụ quân sự"
	case "DQTV":
		return "dân quân tự vệ"
	case "QPTD":
		return "quốc phòng toàn dân"
	case "QP-AN", "QPAN":
		return "quốc phòng an ninh"
	case "CCB":
		return "cựu chiến binh"
	case "TNCS":
		return "thanh niên cộng sản"
	case "ĐTN":
		return "đoàn thanh niên"
	case "TNXP":
		return "thanh niên xung phong"
	case "TNTP":
		return "thiếu niên tiền phong"
	case "LHTN":
		return "liên hiệp thanh niên"
	case "LHPN":
		return "liên hiệp phụ nữ"
	case "HLHPN":
		return "hội liên hiệp phụ nữ"
	case "HPN":
		return "hội phụ nữ"
	case "HND":
		return "hội nông dân"
	case "NCT":
		return "người cao tuổi"
	case "NKT":
		return "người khuyết tật"
	case "CTĐ":
		return "chữ thập đỏ"
	case "TNGT":
		return "tai nạn giao thông"
	case "ĐBHĐND":
		return "đại biểu hội đồng nhân dân"
	case "ĐBQH":
		return "đại biểu quốc hội"
	case "CTN":
		return "chủ tịch nước"
	case "TTg":
		return "thủ tướng"
	case "CBCC":
		return "cán bộ công chức"
	case "CBCCVC":
		return "cán bộ công chức viên chức"
	case "CBCNV":
		return "cán bộ công nhân viên"
	case "CNVC":
		return "công nhân viên chức"
	case "CNVCLĐ":
		return "công nhân viên chức lao động"
	case "CNTT":
		return "công nghệ thông tin"
	case "CNH":
		return "công nghiệp hoá"
	case "HĐH":
		return "hiện đại hoá"
	case "CNH-HĐH", "CNH,HĐH":
		return "công nghiệp hoá hiện đại hoá"
	case "CNXH":
		return "chủ nghĩa xã hội"
	case "XHCN":
		return "xã hội chủ nghĩa"
	case "CHXHCN":
		return "cộng hoà xã hội chủ nghĩa"
	case "CHXHCNVN":
		return "cộng hoà xã hội chủ nghĩa việt nam"
	case "KT-XH", "KTXH":
		return "kinh tế xã hội"
	case "KT-XH-QP-AN":
		return "kinh tế xã hội quốc phòng an ninh"
	case "QLNN":
		return "quản lý nhà nước"
	case "QSDĐ":
		return "quyền sử dụng đất"
	case "GCNQSDĐ":
		return "giấy chứng nhận quyền sử dụng đất"
	case "GCN":
		return "giấy chứng nhận"
	case "GPMB":
		return "giải phóng mặt bằng"
	case "XDCB":
		return "xây dựng cơ bản"
	case "NTM":
		return "nông thôn mới"
	case "XDNTM":
		return "xây dựng nông thôn mới"
	case "ĐTH":
		return "đô thị hoá"
	case "GNBV":
		return "giảm nghèo bền vững"
	case "MTQG":
		return "mục tiêu quốc gia"
	case "CTMTQG":
		return "chương trình mục tiêu quốc gia"
	case "ĐBKK":
		return "đặc biệt khó khăn"
	case "DTTS":
		return "dân tộc thiểu số"
	case "ĐBDTTS":
		return "đồng bào dân tộc thiểu số"
	case "DTNT":
		return "dân tộc nội trú"
	case "PTDTNT":
		return "phổ thông dân tộc nội trú"
	case "PTDTBT":
		return "phổ thông dân tộc bán trú"
	case "THCS":
		return "trung học cơ sở"
	case "THPT":
		return "trung học phổ thông"
	case "TH&THCS":
		return "tiểu học và trung học cơ sở"
	case "TH-THCS":
		return "tiểu học trung học cơ sở"
	case "THCN":
		return "trung học chuyên nghiệp"
	case "ĐHQG":
		return "đại học quốc gia"
	case "HSSV":
		return "học sinh sinh viên"
	case "HSG":
		return "học sinh giỏi"
	case "PHHS":
		return "phụ huynh học sinh"
	case "GVCN":
		return "giáo viên chủ nhiệm"
	case "SGK":
		return "sách giáo khoa"
	case "HTX":
		return "hợp tác xã"
	case "HTXNN":
		return "hợp tác xã nông nghiệp"
	case "HTXDVNN":
		return "hợp tác xã dịch vụ nông nghiệp"
	case "THT":
		return "tổ hợp tác"
	case "TNHH":
		return "trách nhiệm hữu hạn"
	case "MTV":
		return "một thành viên"
	case "DNTN":
		return "doanh nghiệp tư nhân"
	case "DNNN":
		return "doanh nghiệp nhà nước"
	case "KCN":
		return "khu công nghiệp"
	case "CCN":
		return "cụm công nghiệp"
	case "TTCN":
		return "tiểu thủ công nghiệp"
	case "CN-TTCN":
		return "công nghiệp tiểu thủ công nghiệp"
	case "SXKD":
		return "sản xuất kinh doanh"
	case "SXNN":
		return "sản xuất nông nghiệp"
	case "NSNN":
		return "ngân sách nhà nước"
	case "NHNN":
		return "ngân hàng nhà nước"
	case "NHCSXH":
		return "ngân hàng chính sách xã hội"
	case "CSXH":
		return "chính sách xã hội"
	case "GTGT":
		return "giá trị gia tăng"
	case "TNCN":
		return "thu nhập cá nhân"
	case "TNDN":
		return "thu nhập doanh nghiệp"
	case "CCCD":
		return "căn cước công dân"
	case "CMND":
		return "chứng minh nhân dân"
	case "CMTND":
		return "chứng minh thư nhân dân"
	case "GPLX":
		return "giấy phép lái xe"
	case "BKS":
		return "biển kiểm soát"
	case "CSGT":
		return "cảnh sát giao thông"
	case "CAND":
		return "công an nhân dân"
	case "QĐND":
		return "quân đội nhân dân"
	case "QNCN":
		return "quân nhân chuyên nghiệp"
	case "TAND":
		return "toà án nhân dân"
	case "VKSND":
		return "viện kiểm sát nhân dân"
	case "VKS":
		return "viện kiểm sát"
	case "TTHC":
		return "thủ tục hành chính"
	case "TTHCC":
		return "trung tâm hành chính công"
	case "TTPVHCC":
		return "trung tâm phục vụ hành chính công"
	case "PVHCC":
		return "phục vụ hành chính công"
	case "DVC":
		return "dịch vụ công"
	case "DVCTT":
		return "dịch vụ công trực tuyến"
	case "CCHC":
		return "cải cách hành chính"
	case "CĐS":
		return "chuyển đổi số"
	case "ĐTTM":
		return "đô thị thông minh"
	case "TDP":
		return "tổ dân phố"
	case "KDC":
		return "khu dân cư"
	case "KĐT":
		return "khu đô thị"
	case "ĐTXD":
		return "đầu tư xây dựng"
	case "TĐKT":
		return "thi đua khen thưởng"
	case "PBGDPL":
		return "phổ biến giáo dục pháp luật"
	case "TGPL":
		return "trợ giúp pháp lý"
	case "VBQPPL":
		return "văn bản quy phạm pháp luật"
	}
	return ""
}
