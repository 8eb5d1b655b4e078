#include "evaluation/parity_text.h"

namespace lathe::evaluation {
namespace {

constexpr std::string_view kText =
    R"text(The old mill stood where the river bends, a little below the village. In spring, when the snow came down from the hills as brown water, the wheel turned so fast that the miller had to lift the sluice by two boards, and the whole house hummed like a hive. In August it hardly moved at all. People brought their grain in the cool of the morning, sat on the wall until it was ground, and talked about the weather, which was always either too dry or about to become too wet.

Anna had learned the trade from her grandmother. "Listen first," the old woman used to say. "A stone that is dull sings lower than a sharp one, and a belt that slips will tell you so a day before it breaks." Anna listened. She could hear from the kitchen whether the hopper was running empty, and she knew by the smell whether the flour was getting too warm. What she could not hear was what the bank would say about the new roof.

"How much do you need?" asked the man behind the desk.
"Eighteen thousand four hundred," she said. "The carpenter wants 7,250 for the beams, the slates come to 9,300, and the rest is for the scaffolding."
"That makes 16,550, and 1,850 for the scaffolding."
"Yes," said Anna. "I have done the sum as well."

He smiled, and wrote the number down.

How does a water mill work? Water flows from a pond through a channel onto the wheel. Because the water is heavy and falls, it pushes the wheel round. The wheel turns a shaft; gears make the slow turning of the shaft into the quick turning of the upper stone. The lower stone lies still. Grain falls through a hole in the middle, is cut between the two stones, and leaves at the edge as flour. A wheel three metres high, with 0.2 cubic metres of water a second, gives about 6 kilowatts before losses, and perhaps two thirds of that at the stones.

Month | Rain (mm) | Grain (kg) | Days open
January | 81 | 2,140 | 19
February | 64 | 1,985 | 18
March | 92 | 2,610 | 23
April | 55 | 2,475 | 21

To bake a plain loaf you need 500 g of flour, 350 ml of water, 10 g of salt and 5 g of dry yeast. First, mix everything in a bowl. Second, let it rest under a cloth for eight hours, or overnight. Third, fold the dough twice, shape it, and leave it for another hour. Finally, bake it at 230 degrees for 40 minutes in a covered pot, and take the lid off for the last ten.

Dear customer, thank you for your message of 3 May. We are sorry that your order no. 48213 arrived damaged. Please send us a photograph of the parcel and keep the packaging. A replacement will leave our warehouse within two working days; you do not have to pay for the return. If you would rather have your money back, just say so. Kind regards, the service team

def mean(values):
    """The mean of a list of numbers; None for an empty one."""
    if not values:
        return None
    return sum(values) / len(values)

for name, days in {"Anna": [3, 5, 4], "Ben": []}.items():
    print(f"{name}: {mean(days)}")

{"order": 48213, "status": "returned", "items": [{"sku": "MX-20", "count": 2, "price": 14.95}], "paid": true}

Question: Which planet is nearest to the sun? Answer: Mercury. Question: What is the capital of Portugal? Answer: Lisbon. Question: If a train leaves at 9:40 and the journey takes 95 minutes, when does it arrive? Answer: At 11:15. Question: What is the opposite of "heavy"? Answer: Light.

Die Müllerin öffnete das Fenster und sah, dass es über Nacht geschneit hatte. Niemand würde heute kommen; sie konnte endlich die Rechnungen ordnen. La meunière ouvrit la fenêtre et vit qu'il avait neigé pendant la nuit. Personne ne viendrait aujourd'hui. La molinera abrió la ventana y vio que había nevado durante la noche. Hoy no vendría nadie. De molenaar keek naar buiten en zag dat het die nacht had gesneeuwd. Мельничиха открыла окно и увидела снег.

When the roof was finished, the whole village came to look at it. The children counted the slates and did not agree on the number; the oldest of them said 2,206, and since nobody wanted to climb up again, that is what was written into the book. Anna opened the sluice by one board, then by two. The wheel began to move, slowly at first, with a long wet sigh. Then the stones took hold, and under their feet the floor began to hum.
)text";

}  // namespace

std::string_view parity_text() { return kText; }

}  // namespace lathe::evaluation
