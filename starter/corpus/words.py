"""English word lists.  Each is a tuple; `_` joins words of one entry."""


def _list(text):
    return tuple(w.replace("_", " ") for w in text.split())


FIRST_NAMES = _list("""
Anna Ben Clara David Emma Felix Grace Henry Ida Jack Karen Leo Maria Nina Oscar Paul Rosa Sam Tina Tom Vera
Will Zoe Adam Alice Bruno Carla Daniel Elena Frank Gina Hugo Irene James Julia Kim Laura Mark Mia Noah Olga
Peter Ruth Simon Sara Theo Ursula Victor Wendy Amir Leila Ravi Priya Chen Yuki Omar Fatima Ivan Sofia Diego
Lucia Ahmed Aisha Kofi Ama Lars Ingrid Pablo Marta Jonas Nora Eric Helen Max Lena Robert Susan""")
HE = frozenset(_list("""
Ben David Felix Henry Jack Leo Oscar Paul Sam Tom Will Adam Bruno Daniel Frank Hugo James Mark Noah Peter
Simon Theo Victor Amir Ravi Chen Omar Ivan Diego Ahmed Kofi Lars Pablo Jonas Eric Max Robert"""))
NOUNS = _list("""
lamp clock chair table door window bag box basket bottle bowl brush bucket camera candle card carpet coat coin
cup curtain desk drum engine fan fence filter flag flute fork frame garden_gate glove guitar hammer hat helmet
jacket jar kettle key kite ladder lantern letter lock map mirror mop mug needle net notebook oven paddle painting
pan pen pencil phone piano picture pillow pipe plate pot pump purse radio ring rope ruler saw scarf shelf ship
shirt shoe shovel sofa spoon stamp stone stool stove suitcase sword tent ticket towel toy tray trumpet umbrella
vase violin wagon wallet watch wheel whistle blanket bench bicycle boat book bell bridge broom cabinet cake
calendar cart chain compass crown dish dress drill envelope fountain gift heater iron jug lens magnet mask medal
motor oar package parcel poster printer puzzle rake robot rocket roof rug sack scale screen seat sign skate sled
soap sponge statue sweater tank telescope tile tool torch tower trunk tube tyre van washing_machine wire""")
PLURALS = _list("""
apples books boxes tickets chairs lamps letters plates stamps coins eggs flowers bottles candles keys shirts
shoes tents boats cups bricks stones trees pencils maps posters photos bags cards cakes loaves pears tomatoes
carrots onions lemons blankets pillows towels screws nails tiles batteries bulbs cables seeds potatoes bells""")
ADJECTIVES = _list("""
old new small large heavy light bright dark clean broken round square long short wide narrow thick thin soft hard
smooth rough wooden golden silver plastic glass paper cheap expensive quiet loud fast slow warm cold dry wet empty
full plain modern simple pretty strange famous ancient rusty dusty shiny wild gentle strong weak sharp tall low
tiny huge lovely spare second_hand folding portable electric""")
COLOURS = _list("""
red blue green yellow black white grey brown orange purple pink silver golden dark_blue light_green pale_yellow
dark_red cream navy_blue turquoise violet""")
MATERIALS = _list("""
wood steel glass cotton leather wool stone clay paper plastic silk iron copper brass rubber oak pine bamboo
aluminium linen marble cork wax concrete""")
ANIMALS = _list("""
cat dog horse rabbit parrot goat sheep duck hen goose pony donkey mouse turtle owl fox hamster pigeon lizard
snail squirrel frog monkey camel bear wolf""")
FOODS = _list("""
soup bread rice pasta salad cheese fish chicken beans porridge pancakes noodles stew pie apple_pie potato_soup
lemon_cake fried_rice tomato_salad onion_soup cheese_toast bean_stew plum_jam honey yoghurt roast_beef
baked_potatoes vegetable_curry carrot_cake mushroom_pie grilled_fish""")
DRINKS = _list("tea coffee water milk juice lemonade apple_juice hot_chocolate green_tea cold_milk mint_tea orange_juice")
JOBS = _list("""
teacher nurse baker farmer driver doctor cook painter plumber pilot singer writer lawyer judge dancer engineer
gardener tailor barber butcher fisherman carpenter librarian cleaner waiter guard photographer dentist
electrician mechanic musician postman scientist clerk manager shopkeeper actor potter miller sailor""")
HOBBIES = _list("""
painting swimming reading cooking dancing singing fishing chess running gardening cycling sailing hiking skating
knitting photography drawing climbing football tennis rowing baking bird_watching pottery""")
SUBJECTS = _list("""
history music physics biology mathematics geography chemistry art law medicine languages economics astronomy
geology literature philosophy engineering botany""")
INSTRUMENTS = _list("piano violin flute drum guitar trumpet cello harp organ clarinet accordion banjo")
ROOMS = _list("""
kitchen cellar attic office garage library garden hall bathroom bedroom workshop storeroom basement yard lobby
north_wing south_wing east_wing reading_room meeting_room dining_room waiting_room top_floor ground_floor
laundry_room engine_room green_room back_room main_hall boiler_room control_room""")
PLACES = _list("""
market station harbour museum park school church bridge beach river lake forest theatre hospital airport castle
bakery bank cafe farm factory hotel post_office town_hall square stadium zoo mill tower valley mountain island
bus_stop car_park post_room sports_hall swimming_pool old_mill lighthouse cinema playground orchard""")
SPOTS = _list("""
under_the_stairs behind_the_door next_to_the_window on_the_top_shelf near_the_main_gate in_the_left_drawer
beside_the_oven above_the_fireplace under_the_bed on_the_back_wall near_the_lift behind_the_counter
in_the_side_pocket below_the_sink on_the_roof at_the_end_of_the_corridor inside_the_lid on_the_left_side
near_the_front_desk opposite_the_bank behind_the_screen under_the_cover""")
MONTHS = _list("January February March April May June July August September October November December")
DAYS = _list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
NUMBER_WORDS = _list("""
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty ninety""")
STREETS = _list("Street Road Lane Avenue Square Way Hill Court")
BUTTONS = _list("""
red_button green_button side_button power_button round_button reset_key small_switch left_knob top_lever menu_key
start_button black_switch upper_handle blue_key back_button lower_lever""")
COMMON = _list("""
water fire air earth sand ice salt sugar oil smoke light night summer winter spring autumn week hour corner middle edge
top bottom front back left right north south east west centre circle line point side story word page list number name
letter sound voice picture film game sport team rule law right price cost value rate sum total part half piece group
pair row set kind type form shape size colour weight height speed power force heat cold noise smell taste touch
question answer problem idea plan reason result change start end step way road path trip ride walk visit meeting
party dinner lunch meal drink bottle field hill wood leaf root branch seed fruit grass cloud sky sun moon star storm
river sea coast shore boat captain crew guest friend neighbour child parent woman man king queen soldier crowd village
town city country world office shop store market factory school class lesson test mark prize job work pay boss staff
tool part engine wheel pipe tank tap leak drop flood pressure hole crack roof floor wall ceiling stairs corner cellar
account bill order parcel delivery refund return box label stock payment card cash coupon discount contract offer
signal network message alert update setting screen button menu code error sensor battery charger cable cover switch
warning alarm safety danger damage repair service support advice help manual guide video photo sample model version
account member customer visitor owner partner agent driver guard expert trainer leader family animal bird fish insect
tree flower garden farm bread butter egg meat cake coffee tea milk juice apple potato rice soup table bed couch
shower bath mirror towel soap brush comb coat sock sleeve pocket button thread cotton metal gold silver stone brick"""
)
DEPARTMENTS = _list("""
sales_office repair_team front_desk night_team support_desk finance_office training_group safety_team design_group
shipping_desk cleaning_crew garden_crew kitchen_team news_desk claims_office booking_desk travel_desk
planning_office staff_office quality_team member_office parts_desk""")
DEVICES = _list("""
heater pump printer scanner camera speaker charger kettle toaster fan fridge freezer oven mixer dryer router
monitor keyboard projector lamp scooter drone tablet telephone radio alarm thermometer scale vacuum_cleaner
washing_machine dishwasher lawn_mower sewing_machine coffee_machine air_cleaner door_bell water_filter
light_switch motor gate_opener battery_pack desk_lamp weather_station power_cable remote_control base_plate
hair_dryer bread_maker juicer generator compressor drill amplifier headset microphone
sensor valve hub siren app timer doorbell_camera window_blind garage_door water_tank rain_meter smoke_alarm air_sensor
gas_meter solar_panel power_bank treadmill wall_clock baby_monitor bike_light hearing_aid label_printer card_reader""")
SERVICES = _list("""
basic_plan family_plan student_plan gold_plan silver_plan weekend_pass day_pass yearly_pass night_ticket
group_ticket repair_service delivery_service cleaning_service parking_permit gym_membership library_card
gift_card guest_pass rental_contract travel_insurance language_course swimming_course pottery_course
first_aid_course online_course guided_tour boat_tour shuttle_bus laundry_service breakfast_package
express_delivery storage_box loan_scheme summer_camp music_lesson trial_lesson standard_plan business_plan""")
ITEMS_POLICY = _list("""
guests members visitors students drivers customers staff players passengers new_members tenants teachers readers
volunteers patients residents children campers cyclists lodgers trainees""")
PARTS = _list("""
filter battery cable cover strap handle seal lid display hose knob foot case antenna wheel blade tray belt spring
bracket plug socket fuse cord stand clamp hinge nozzle valve_cap gasket bearing spindle dial pedal chain drawer
crank shutter lens ring cushion grip latch bolt washer clip holder adapter cartridge reel hook rail pin bulb ribbon
brush_head guard_plate back_panel front_panel rear_wheel side_plate inner_ring outer_shell memory_card paper_tray
ink_tank dust_bag water_tray glass_plate safety_catch carry_bag wall_mount charging_cable main_switch fan_blade""")
FAULTS = _list("""
is_dirty is_open is_loose is_blocked is_empty is_full is_too_hot is_too_cold is_worn_out is_missing is_broken is_wet
has_fallen_off has_lost_power has_slipped does_not_turn does_not_fit is_upside_down is_not_locked must_be_replaced
needs_oil is_out_of_reach has_run_dry is_frozen is_bent is_overloaded cannot_be_read is_not_connected""")
FIELDS = _list("""
safety music paper data press energy fire animal colour travel sound glass light design health sport climate street
language quality language_learning customer member youth research history food farm forest traffic wood textile ship
air_quality first_aid night cloud archive picture print packing sales tax staff pension building garden theatre""")
ROLES = _list("officer manager adviser director clerk speaker trainer inspector secretary planner expert")
TEAMS = _list("team group crew department board desk unit office club committee")
TOWN_TAILS = _list("Cross Green Mill Wharf Bridge Heath Market End Gate Moor Quay Abbey Corner Wells")
FRUIT = _list("apples pears plums cherries grapes lemons melons peaches berries figs oranges bananas")
VERBS_THING = (  # past, base: what people do to things
    ("repaired", "repair"), ("painted", "paint"), ("found", "find"), ("lost", "lose"), ("bought", "buy"),
    ("sold", "sell"), ("cleaned", "clean"), ("broke", "break"), ("carried", "carry"), ("hid", "hide"),
    ("borrowed", "borrow"), ("moved", "move"), ("opened", "open"), ("closed", "close"), ("washed", "wash"),
    ("dropped", "drop"), ("built", "build"), ("drew", "draw"), ("threw away", "throw away"), ("lifted", "lift"),
    ("checked", "check"), ("ordered", "order"), ("returned", "return"), ("brought", "bring"), ("took", "take"),
    ("stole", "steal"), ("polished", "polish"), ("wrapped", "wrap"), ("packed", "pack"), ("covered", "cover"),
    ("measured", "measure"), ("weighed", "weigh"), ("tested", "test"), ("fixed", "fix"), ("replaced", "replace"),
    ("collected", "collect"), ("delivered", "deliver"), ("left", "leave"), ("kept", "keep"), ("won", "win"),
    ("designed", "design"), ("photographed", "photograph"), ("described", "describe"), ("locked", "lock"),
    ("unlocked", "unlock"), ("filled", "fill"), ("emptied", "empty"), ("pushed", "push"), ("pulled", "pull"),
    ("stored", "store"), ("inspected", "inspect"), ("rented", "rent"), ("sent", "send"), ("received", "receive"),
    ("mended", "mend"), ("decorated", "decorate"), ("bent", "bend"), ("burned", "burn"), ("dried", "dry"),
    ("counted", "count"), ("showed", "show"), ("shook", "shake"), ("caught", "catch"), ("finished", "finish"))
