package normalise

// work reads abbreviations of offices, duties, plans and papers that a commune's
// bulletins use.
func work(s string) string {
	switch s {
	case "ÂL":
		return "âm lịch"
	case "AL":
		return "âm lịch"
	case "VSTP":
		return "vệ sinh thực phẩm"
	case "QS":
		return "quân sự"
	case "TCM":
		return "tay chân miệng"
	case "KT-HT":
		return "kinh tế hạ tầng"
	case "KT&HT":
		return "kinh tế và hạ tầng"
	case "TT-TT":
		return "thông tin truyền thông"
	case "VH-TT-DL":
		return "văn hoá thể thao du lịch"
	case "VH-TT-TT":
		return "văn hoá thông tin thể thao"
	case "VH-KH-TT":
		return "văn hoá khoa học và thông tin"
	case "VH-KHTT":
		return "văn hoá khoa học và thông tin"
	case "HĐND-UBND":
		return "hội đồng nhân dân uỷ ban nhân dân"
	case "SVC":
		return "sinh vật cảnh"
	case "NNCĐDC":
		return "nạn nhân chất độc da cam"
	case "CĐDC":
		return "chất độc da cam"
	case "NNCĐ":
		return "nạn nhân chất độc"
	case "TK&VV":
		return "tiết kiệm và vay vốn"
	case "TKVV":
		return "tiết kiệm và vay vốn"
	case "ANCS":
		return "an ninh cơ sở"
	case "BVANTT":
		return "bảo vệ an ninh trật tự"
	case "BVANTTCS":
		return "bảo vệ an ninh trật tự cơ sở"
	case "ANTTCS":
		return "an ninh trật tự cơ sở"
	case "CNSCĐ":
		return "công nghệ số cộng đồng"
	case "ĐDĐT":
		return "định danh điện tử"
	case "ĐDXTĐT":
		return "định danh xác thực điện tử"
	case "DVCQG":
		return "dịch vụ công quốc gia"
	case "CSDLQG":
		return "cơ sở dữ liệu quốc gia"
	case "CCVC":
		return "công chức viên chức"
	case "NLTS":
		return "nông lâm thuỷ sản"
	case "NLN":
		return "nông lâm nghiệp"
	case "NTTS":
		return "nuôi trồng thuỷ sản"
	case "KHSX":
		return "kế hoạch sản xuất"
	case "KNKL":
		return "khuyến nông khuyến lâm"
	case "KNV":
		return "khuyến nông viên"
	case "TTKN":
		return "trung tâm khuyến nông"
	case "DVNN":
		return "dịch vụ nông nghiệp"
	case "TT-BVTV":
		return "trồng trọt và bảo vệ thực vật"
	case "TT&BVTV":
		return "trồng trọt và bảo vệ thực vật"
	case "CN&TY":
		return "chăn nuôi và thú y"
	case "CN-TY":
		return "chăn nuôi thú y"
	case "NS&VSMT":
		return "nước sạch và vệ sinh môi trường"
	case "NSVSMT":
		return "nước sạch vệ sinh môi trường"
	case "NSH":
		return "nước sinh hoạt"
	case "RTSH":
		return "rác thải sinh hoạt"
	case "CTRSH":
		return "chất thải rắn sinh hoạt"
	case "BVR":
		return "bảo vệ rừng"
	case "QLBVR":
		return "quản lý bảo vệ rừng"
	case "PCCCR-BVR":
		return "phòng cháy chữa cháy rừng và bảo vệ rừng"
	case "PCLB":
		return "phòng chống lụt bão"
	case "PCLB&TKCN":
		return "phòng chống lụt bão và tìm kiếm cứu nạn"
	case "PCTTTKCN":
		return "phòng chống thiên tai tìm kiếm cứu nạn"
	case "UPSC":
		return "ứng phó sự cố"
	case "TKCN-CHCN":
		return "tìm kiếm cứu nạn cứu hộ cứu nạn"
	case "CHCN":
		return "cứu hộ cứu nạn"
	case "TNTT":
		return "tai nạn thương tích"
	case "TNLĐ":
		return "tai nạn lao động"
	case "ATVSLĐ":
		return "an toàn vệ sinh lao động"
	case "PCCN":
		return "phòng chống cháy nổ"
	case "PCDB":
		return "phòng chống dịch bệnh"
	case "PCTNXH":
		return "phòng chống tệ nạn xã hội"
	case "ANTT-ATXH":
		return "an ninh trật tự an toàn xã hội"
	case "ANCT":
		return "an ninh chính trị"
	case "TTCC":
		return "trật tự công cộng"
	case "TTĐT":
		return "trật tự đô thị"
	case "TTXD":
		return "trật tự xây dựng"
	case "TDĐKXDĐSVH":
		return "toàn dân đoàn kết xây dựng đời sống văn hoá"
	case "ĐSVH":
		return "đời sống văn hoá"
	case "GĐVH":
		return "gia đình văn hoá"
	case "TTCS":
		return "truyền thanh cơ sở"
	case "ĐTT":
		return "đài truyền thanh"
	case "TTTH":
		return "truyền thanh truyền hình"
	case "TT-TH":
		return "truyền thanh truyền hình"
	case "PT-TH":
		return "phát thanh truyền hình"
	case "PTTH":
		return "phát thanh truyền hình"
	case "PT&TH":
		return "phát thanh và truyền hình"
	case "HKH":
		return "hội khuyến học"
	case "NHTM":
		return "ngân hàng thương mại"
	case "QTDND":
		return "quỹ tín dụng nhân dân"
	case "QTD":
		return "quỹ tín dụng"
	case "VĐT":
		return "vốn đầu tư"
	case "TSC":
		return "tài sản công"
	case "ĐTC":
		return "đầu tư công"
	case "NSĐP":
		return "ngân sách địa phương"
	case "NSTW":
		return "ngân sách trung ương"
	case "KBNN":
		return "kho bạc nhà nước"
	case "GPXD":
		return "giấy phép xây dựng"
	case "CNQSDĐ":
		return "chứng nhận quyền sử dụng đất"
	case "SDĐ":
		return "sử dụng đất"
	case "QHKH":
		return "quy hoạch kế hoạch"
	case "QHSDĐ":
		return "quy hoạch sử dụng đất"
	case "KHSDĐ":
		return "kế hoạch sử dụng đất"
	case "BT-GPMB":
		return "bồi thường giải phóng mặt bằng"
	case "TĐC":
		return "tái định cư"
	case "HTTĐC":
		return "hỗ trợ tái định cư"
	case "NƠXH":
		return "nhà ở xã hội"
	case "NOXH":
		return "nhà ở xã hội"
	case "VLXD":
		return "vật liệu xây dựng"
	case "HTKT":
		return "hạ tầng kỹ thuật"
	case "MNTH":
		return "mầm non và tiểu học"
	case "TH,THCS":
		return "tiểu học trung học cơ sở"
	case "THCS&THPT":
		return "trung học cơ sở và trung học phổ thông"
	case "THCS-THPT":
		return "trung học cơ sở trung học phổ thông"
	case "TTHTCĐ":
		return "trung tâm học tập cộng đồng"
	case "TTGDTX":
		return "trung tâm giáo dục thường xuyên"
	case "CĐSP":
		return "cao đẳng sư phạm"
	case "ĐHSP":
		return "đại học sư phạm"
	case "KTX":
		return "ký túc xá"
	case "BGH":
		return "ban giám hiệu"
	case "HĐQT":
		return "hội đồng quản trị"
	case "HĐTĐ":
		return "hội đồng thi đua"
	case "HĐGD":
		return "hội đồng giáo dục"
	case "CMHS":
		return "cha mẹ học sinh"
	case "BĐD":
		return "ban đại diện"
	case "TTND":
		return "thanh tra nhân dân"
	case "GSĐTCĐ":
		return "giám sát đầu tư cộng đồng"
	case "GSCĐ":
		return "giám sát cộng đồng"
	case "BCTMT":
		return "ban công tác mặt trận"
	case "CTMT":
		return "công tác mặt trận"
	case "TCCSĐ":
		return "tổ chức cơ sở đảng"
	case "UVBCH":
		return "uỷ viên ban chấp hành"
	case "UVBTV":
		return "uỷ viên ban thường vụ"
	case "BTĐU":
		return "bí thư đảng uỷ"
	case "PBTĐU":
		return "phó bí thư đảng uỷ"
	case "CTUBND":
		return "chủ tịch uỷ ban nhân dân"
	case "CVP":
		return "chánh văn phòng"
	case "QLĐĐ":
		return "quản lý đất đai"
	case "QLTTXD":
		return "quản lý trật tự xây dựng"
	case "ĐKĐĐ":
		return "đăng ký đất đai"
	case "VPĐKĐĐ":
		return "văn phòng đăng ký đất đai"
	case "HTQLĐĐ":
		return "hệ thống quản lý đất đai"
	case "HSHC":
		return "hồ sơ hành chính"
	case "TTDVC":
		return "trung tâm dịch vụ công"
	case "TTPVHCCX":
		return "trung tâm phục vụ hành chính công xã"
	case "TVPL":
		return "tư vấn pháp luật"
	case "HGV":
		return "hoà giải viên"
	case "TVV":
		return "tuyên truyền viên"
	case "BCV":
		return "báo cáo viên"
	case "CTV":
		return "cộng tác viên"
	case "TNV":
		return "tình nguyện viên"
	case "ĐBDC":
		return "đại biểu dân cử"
	case "CTTĐT":
		return "cổng thông tin điện tử"
	case "TTĐTTH":
		return "trang thông tin điện tử tổng hợp"
	case "NCKH":
		return "nghiên cứu khoa học"
	case "ĐMST":
		return "đổi mới sáng tạo"
	case "KHCN&ĐMST":
		return "khoa học công nghệ và đổi mới sáng tạo"
	case "KHCN,ĐMST":
		return "khoa học công nghệ đổi mới sáng tạo"
	case "BĐKH":
		return "biến đổi khí hậu"
	case "ĐDSH":
		return "đa dạng sinh học"
	case "KVPT":
		return "khu vực phòng thủ"
	case "QS-QP":
		return "quân sự quốc phòng"
	case "QSĐP":
		return "quân sự địa phương"
	case "GDQP":
		return "giáo dục quốc phòng"
	case "GDQPAN":
		return "giáo dục quốc phòng an ninh"
	case "DBĐV":
		return "dự bị động viên"
	case "QNDB":
		return "quân nhân dự bị"
	case "CSPCCC":
		return "cảnh sát phòng cháy chữa cháy"
	case "CSHS":
		return "cảnh sát hình sự"
	case "CSKV":
		return "cảnh sát khu vực"
	case "CSCĐ":
		return "cảnh sát cơ động"
	case "CAX":
		return "công an xã"
	case "CATP":
		return "công an thành phố"
	case "VPHC":
		return "vi phạm hành chính"
	case "XLVPHC":
		return "xử lý vi phạm hành chính"
	case "XPVPHC":
		return "xử phạt vi phạm hành chính"
	case "ĐKTT":
		return "đăng ký thường trú"
	case "TTATGTĐB":
		return "trật tự an toàn giao thông đường bộ"
	case "ATGTĐB":
		return "an toàn giao thông đường bộ"
	case "ATGTĐT":
		return "an toàn giao thông đường thuỷ"
	case "ĐTNĐ":
		return "đường thuỷ nội địa"
	case "BHYTHSSV":
		return "bảo hiểm y tế học sinh sinh viên"
	case "BHXHTN":
		return "bảo hiểm xã hội tự nguyện"
	case "BHXHBB":
		return "bảo hiểm xã hội bắt buộc"
	case "KBCB":
		return "khám bệnh chữa bệnh"
	case "PKĐK":
		return "phòng khám đa khoa"
	case "PHCN":
		return "phục hồi chức năng"
	case "YHCT":
		return "y học cổ truyền"
	case "BSGĐ":
		return "bác sĩ gia đình"
	case "NVYT":
		return "nhân viên y tế"
	case "CBYT":
		return "cán bộ y tế"
	case "HSBA":
		return "hồ sơ bệnh án"
	case "HSSK":
		return "hồ sơ sức khoẻ"
	case "SKTT":
		return "sức khoẻ tâm thần"
	case "KLN":
		return "không lây nhiễm"
	case "VTN":
		return "vị thành niên"
	case "BPTT":
		return "biện pháp tránh thai"
	case "DS-KHHGD":
		return "dân số kế hoạch hoá gia đình"
	case "TTGDSK":
		return "truyền thông giáo dục sức khoẻ"
	case "IP":
		return "ai pi"
	case "BLHS":
		return "bộ luật hình sự"
	case "BLDS":
		return "bộ luật dân sự"
	case "BLLĐ":
		return "bộ luật lao động"
	case "BLTTHS":
		return "bộ luật tố tụng hình sự"
	case "BLTTDS":
		return "bộ luật tố tụng dân sự"
	case "IQ":
		return "ai quy"
	case "OTP":
		return "ô tê pê"
	case "ATK":
		return "a tê ca"
	case "CEO":
		return "xi i ô"
	case "IT":
		return "ai ti"
	case "KTV":
		return "kỹ thuật viên"
	case "PTV":
		return "phát thanh viên"
	case "BBT":
		return "ban biên tập"
	case "UAV":
		return "u a vê"
	case "ADN":
		return "a đê en"
	case "NGO":
		return "en gi ô"
	case "EU":
		return "e u"
	case "WTO":
		return "vê kép tê ô"
	case "TPP":
		return "tê pê pê"
	case "IMF":
		return "i em ép"
	case "ADB":
		return "a đê bê"
	case "LĐ-TBXH":
		return "lao động thương binh xã hội"
	case "CT-XH":
		return "chính trị xã hội"
	case "CTXH":
		return "chính trị xã hội"
	case "CĐCS":
		return "công đoàn cơ sở"
	case "KTCTTL":
		return "khai thác công trình thuỷ lợi"
	case "CTTL":
		return "công trình thuỷ lợi"
	case "RPH":
		return "rừng phòng hộ"
	case "RĐD":
		return "rừng đặc dụng"
	case "RSX":
		return "rừng sản xuất"
	case "KKT":
		return "khu kinh tế"
	case "KKTCK":
		return "khu kinh tế cửa khẩu"
	case "CKQT":
		return "cửa khẩu quốc tế"
	case "BTTE":
		return "bảo trợ trẻ em"
	case "HĐKC":
		return "hoạt động kháng chiến"
	case "TSKH":
		return "tiến sĩ khoa học"
	case "GS.TSKH":
		return "giáo sư tiến sĩ khoa học"
	case "PGS,TS":
		return "phó giáo sư tiến sĩ"
	case "OA":
		return "ô a"
	case "IELTS":
		return "ai eo"
	case "STEM":
		return "xtem"
	case "HACCP":
		return "hát a xê xê pê"
	case "ĐTQG":
		return "đội tuyển quốc gia"
	case "VĐQG":
		return "vô địch quốc gia"
	case "TDTT-VH":
		return "thể dục thể thao văn hoá"
	case "VH-VN":
		return "văn hoá văn nghệ"
	case "VN-TDTT":
		return "văn nghệ thể dục thể thao"
	case "VHVN,TDTT":
		return "văn hoá văn nghệ thể dục thể thao"
	case "GD-ĐT&KHCN":
		return "giáo dục đào tạo và khoa học công nghệ"
	case "DS&KHHGĐ":
		return "dân số và kế hoạch hoá gia đình"
	case "ATXH":
		return "an toàn xã hội"
	case "ANXH":
		return "an ninh xã hội"
	case "ASXH":
		return "an sinh xã hội"
	case "BTXH&GN":
		return "bảo trợ xã hội và giảm nghèo"
	case "TTKSBT":
		return "trung tâm kiểm soát bệnh tật"
	case "KSBT":
		return "kiểm soát bệnh tật"
	case "TYTX":
		return "trạm y tế xã"
	case "VSATLĐ":
		return "vệ sinh an toàn lao động"
	case "ĐTBD":
		return "đào tạo bồi dưỡng"
	case "BDTX":
		return "bồi dưỡng thường xuyên"
	case "CTGDPT":
		return "chương trình giáo dục phổ thông"
	case "GDPT":
		return "giáo dục phổ thông"
	case "GDMN":
		return "giáo dục mầm non"
	case "GDĐP":
		return "giáo dục địa phương"
	case "PCGD":
		return "phổ cập giáo dục"
	case "XMC":
		return "xoá mù chữ"
	case "PCGD-XMC":
		return "phổ cập giáo dục xoá mù chữ"
	case "XHHT":
		return "xã hội học tập"
	case "XHH":
		return "xã hội hoá"
	case "KHCN-ĐMST":
		return "khoa học công nghệ đổi mới sáng tạo"
	case "CQĐT":
		return "chính quyền điện tử"
	case "CMT8":
		return "cách mạng tháng tám"
	case "HKI":
		return "học kỳ một"
	case "HKII":
		return "học kỳ hai"
	case "BTXM":
		return "bê tông xi măng"
	case "HVPN":
		return "hội viên phụ nữ"
	case "CHT":
		return "chỉ huy trưởng"
	case "CHP":
		return "chỉ huy phó"
	case "KDCT":
		return "kinh doanh cá thể"
	case "ĐƠĐN":
		return "đền ơn đáp nghĩa"
	case "TBNN":
		return "trung bình nhiều năm"
	case "CNTY":
		return "chăn nuôi thú y"
	case "CPĐT":
		return "chính phủ điện tử"
	}
	return ""
}
